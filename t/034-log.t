# The log: what workers print forges no line of it, whatever way it goes in;
# the messages that others search for are there; a file is opened again; a full
# pipe stops nothing, and what it cost is counted.
use strict;
use warnings;
use Encode qw(decode FB_CROAK LEAVE_SRC);
use Fcntl qw(F_SETFL O_NONBLOCK);
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;

my $true = JSON::PP::true;
my $F_SETPIPE_SZ = 1031;

# ---- a worker that forges ----

# As a JSON string: a whole entry, terminal codes, controls, separators.
my $evil = '\n{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"level\":\"error\",'
    . '\"context\":\"JobRunner\",\"message\":\"forged\",\"data\":{}}\n'
    . '\"}\nBUG src/flow/claim.c:1: forged\r\u001b[2J\u001b]0;owned\u0007'
    . '\u0008\u007f\u0085\u009b31m\u2028\u2029\ufeff\ud83d\ude00';

sub job {
	my ($name, $command, %more) = @_;
	return {name => $name, command => $command, retry => {maxAttempts => 1},
	    %more};
}

# Its arguments are of printf's %b, so any byte can be said, NUL too.
my $say = <<'SH';
cat >/dev/null
for line; do printf '%b\n' "$line"; done
SH

sub speaker {
	my ($name, @lines) = @_;
	return job($name, [Reeve::worker('speaker'), @lines], protocol => 'jsonl');
}

my $bytes = '"\0377\0376\0303( \0342\0200\0250 \0302\0205 \0033[31m \0000"';
my $r = Reeve->new(
	config => {shutdownGrace => '0s', defaults => {breaker => {failures => 2}}},
	jobs => [
		job('forger', [Reeve::worker('forger')],
		    breaker => {failures => 0}),
		job('forger-jsonl', [Reeve::worker('forger')], protocol => 'jsonl'),
		job('bytes', ['/bin/sh', '-c', $say, 'say',
		    map { qq({"type":"$_->[0]","$_->[1]":$bytes}) }
			['log', 'message'], ['progress', 'message'],
			['error', 'error'], ['skip', 'reason'], [$bytes, 'x']],
		    protocol => 'jsonl'),
		speaker('logs', map({ qq({"type":"log","level":"$_","message":"$evil",)
		    . qq("data":{"$evil":["$evil",{"level":"error"}]}}) }
			qw(debug info warn error)),
		    qq({"type":"log","level":"$evil","message":"x"})),
		speaker('progress', qq({"type":"progress","message":"$evil"}),
		    qq({"type":"result","result":{"$evil":"$evil"}})),
		speaker('error', qq({"type":"error","error":"$evil"})),
		speaker('skip', qq({"type":"skip","reason":"$evil"})),
		speaker('names', qq({"type":"usage","service":"$evil","units":1}),
		    qq({"type":"quota","service":"$evil","buckets":[]})),
		job('last-line', ['/bin/sh', '-c', 'printf "%b" "$1"; exit 1', 'x',
		    'first\n\033[31m","level":"error"}\r\0000\0342\0200\0250']),
		job('named', ["/no/such/\n{\"level\":\"error\"}\e[2J\x{2028}"]),
		# The words that others search for.
		job('good', ['true']),
		job('bad', ['false'], retry => {maxAttempts => 3, delay => '20ms'},
		    breaker => {failures => 3}),
		job('killed', ['/bin/sh', '-c', 'kill -9 $$']),
	],
);
$r->start;

sub run_it {
	my ($name) = @_;
	my ($code, $json) = $r->run_job($name, wait => $true);
	return $json->{attempts}[-1] // {};
}

sub words { return join ' ', map { $_ // '-' } @{$_[0]}{qw(status reason)} }

subtest 'forgers' => sub {
	my %ends = (forger => 'failure exit', 'forger-jsonl' => 'failure exit',
	    bytes => 'failure protocol', logs => 'failure protocol',
	    progress => 'success -', error => 'failure exit',
	    skip => 'skipped worker', names => 'failure protocol',
	    'last-line' => 'failure exit', named => 'failure spawn');
	for my $name (sort keys %ends) {
		my $row = run_it($name);
		is(words($row), $ends{$name}, $name) or diag(Reeve::encode($row));
		unlike($row->{error} // '',
		    qr/[\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]/, "$name: one line");
	}
	my $text = $r->api_get('/api/jobs/status')->{body};
	ok(eval { decode('UTF-8', $text, FB_CROAK | LEAVE_SRC) }, 'status is UTF-8');
	unlike($text, qr/[\x00-\x08\x0b-\x1f\x7f]/, 'without controls');
};

# Problems of one stream's bytes, as a list of words.
sub problems {
	my ($name, $text, @levels) = @_;
	my %levels = map { $_ => 1 } @levels;
	my @found;
	my $chars = eval { decode('UTF-8', $text, FB_CROAK | LEAVE_SRC) };
	return ('no UTF-8') if !defined $chars;
	push @found, sprintf 'U+%04X', ord $1
	    if $chars =~ /([\x00-\x09\x0b-\x1f\x7f-\x9f\x{2028}\x{2029}])/;
	for my $line (split /\n/, $text) {
		my $entry = eval { Reeve::decode($line) };
		if (ref $entry ne 'HASH') {
			push @found, "no object: $line";
			next;
		}
		my $keys = join ' ', sort keys %$entry;
		push @found, "keys: $line"
		    if $keys !~ /^context (?:data )?level message timestamp$/;
		push @found, "level: $line" if !$levels{$entry->{level} // ''};
		push @found, "time: $line" if ($entry->{timestamp} // '') !~
		    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
		push @found, "forged: $line" if $entry->{message} =~ /forged/
		    && $entry->{context} ne 'Worker';
	}
	return @found;
}

subtest 'no line is forged' => sub {
	my %levels = ('out.log' => ['debug', 'info'], 'err.log' => ['warn', 'error']);
	for my $name (sort keys %levels) {
		is_deeply([problems($name, Reeve::slurp($r->path($name)),
		    @{$levels{$name}})], [], $name);
	}
	my @said = grep { $_->{data}{job} eq 'logs' } grep {
		$_->{context} eq 'Worker' } $r->log_lines;
	is(join(' ', sort map { $_->{level} } @said), 'debug error info warn',
	    'a worker chooses the level of its own lines');
	my $decoded = Reeve::decode(qq("$evil"));
	is($said[0]{message}, $decoded, 'its words arrive whole');
	is_deeply($said[0]{data}{data}, {$decoded => [$decoded,
	    {level => 'error'}]}, 'so does its data');
};

subtest 'known words' => sub {
	run_it('good');
	my $row = run_it('bad');
	is($row->{attempt}, 3, 'three attempts');
	my ($code) = $r->run_job('bad');
	is($code, 409, 'then its breaker is open');
	run_it('killed');
	my $find = sub {
		my ($message, $job, $level, $context) = @_;
		my @found = grep { ($_->{data}{job} // '') eq $job }
		    $r->logged($message);
		ok(scalar(@found), "$message: $job") or return {};
		is($found[-1]{level}, $level, 'its level');
		is($found[-1]{context}, 'JobRunner', 'its context');
		return $found[-1]{data};
	};
	my $data = $find->('Executing job', 'bad', 'info');
	is("$data->{attempt} $data->{maxRetries}", '3 3', 'attempt, maxRetries');
	like($data->{run}, qr/^[0-9a-f-]{36}$/, 'the run');
	$data = $find->('Job completed successfully', 'good', 'info');
	is($data->{attempt}, 1, 'attempt');
	$data = $find->('Job returned failure', 'bad', 'warn');
	is("$data->{attempt} $data->{error}", '3 exit status 1', 'error');
	$data = $find->('Job threw exception', 'killed', 'warn');
	like($data->{error}, qr/signal 9/, 'error');
	$data = $find->('Retrying job after delay', 'bad', 'info');
	cmp_ok($data->{delayMs}, '>', 0, 'delayMs');
	cmp_ok($data->{delayMs}, '<=', 40, 'delayMs');
	$data = $find->('Job failed after all retries', 'bad', 'error');
	is($data->{attempts}, 3, 'attempts');
	$data = $find->('Skipping job due to recent failures', 'bad', 'warn');
	is($data->{recentFailures}, 3, 'recentFailures');
	is((grep { /forged/ && /^BUG/ } $r->raw_lines('err.log')), 0, 'no BUG');
};
$r->finish;

subtest 'a file' => sub {
	my $f = Reeve->new(
		config => {shutdownGrace => '0s',
		    log => {level => 'info', file => '@DIR@/reeve.log'}},
		jobs => [job('good', ['true'])],
	);
	my ($log, $old) = map { $f->path($_) } 'reeve.log', 'reeve.log.1';
	$f->start;
	$f->run_job('good', wait => $true);
	like(Reeve::slurp($log), qr/Job completed successfully/, 'written');
	is((stat $log)[2] & 07137, 0, 'not writable, nor readable, for all');
	rename $log, $old or die "$log: $!\n";
	$f->signal('USR1');
	$f->wait_for(sub { -s $log }, 'it is opened again');
	my $size = -s $old;
	$f->run_job('good', wait => $true);
	like(Reeve::slurp($log), qr/Job completed successfully/, 'and written');
	is(-s $old, $size, 'the old one is left alone');
	is_deeply([map { problems($_, Reeve::slurp($_), qw(info warn error)) }
	    $log, $old], [], 'all of it is whole');
	$f->finish;
	is(-s $f->path('out.log') // 0, 0, 'nothing on standard output');
};

# A daemon whose standard output is a pipe of the test.
package Piped {
	our @ISA = ('Reeve');

	sub spawn_daemon {
		my ($self, @args) = @_;
		pipe my $reader, my $writer or die "pipe: $!\n";
		fcntl $writer, $F_SETPIPE_SZ, 4096 or die "fcntl: $!\n";
		fcntl $reader, main::F_SETFL(), main::O_NONBLOCK() or die "fcntl: $!\n";
		$self->{reader} = $reader;
		my $pid = fork // die "fork: $!\n";
		return $pid if $pid;
		$SIG{TERM} = $SIG{PIPE} = 'DEFAULT';
		$ENV{"${_}_OPTIONS"} = 'log_path=' . $self->path('san', 'report')
		    for qw(ASAN UBSAN TSAN);
		$ENV{TEST_OF} = $self->{dir};
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>&', $writer or POSIX::_exit(126);
		open STDERR, '>>', $self->path('err.log') or POSIX::_exit(126);
		my @command = ("$Reeve::BUILDDIR/reeved", '-c', $self->config_path);
		unshift @command, 'setpriv', '--pdeathsig', 'KILL', '--'
		    if -x '/usr/bin/setpriv';
		exec {$command[0]} @command or POSIX::_exit(127);
	}

	# What is in the pipe now.
	sub take {
		my ($self) = @_;
		1 while sysread $self->{reader}, $self->{taken}, 65536,
		    length($self->{taken} //= '');
		return $self->{taken};
	}
}

subtest 'a full pipe' => sub {
	# 100 lines of 8 KiB: twice as much as is kept in memory.
	my $loud = q(for my $n (1 .. 100) { print qq({"type":"log","message":)
	    . qq("$n )) . q( . "y" x 8000 . qq("}\n) });
	my $p = Piped->new(
		config => {shutdownGrace => '0s', log => {level => 'info'}},
		jobs => [job('loud', [$^X, '-e', $loud], protocol => 'jsonl',
		    overlap => 'allow'), job('bad', ['false'])],
	);
	$p->start;
	my (@took, @ends);
	for (1 .. 4) {
		my ($code, $json) = $p->run_job('loud', wait => $true);
		push @ends, $json->{status};
		my $begin = Reeve::now();
		is($p->unix_request('GET', '/api/jobs/status')->{status}, 200,
		    'it answers');
		push @took, Reeve::now() - $begin;
	}
	is("@ends", 'success success success success', 'and runs jobs');
	cmp_ok($_, '<', 0.5 * $Reeve::PATIENCE, 'without a wait') for @took;
	$p->run_job('bad', wait => $true);
	ok((grep { $_->{data}{job} eq 'bad' }
	    $p->logged('Job failed after all retries')), 'standard error goes on');

	my ($told) = $p->wait_for(sub {
		$p->take;
		$p->unix_request('GET', '/health');
		$p->take =~ /^(.*"Log lines dropped".*)\n/m && $1;
	}, 'the dropped lines are told');
	$p->run_job('bad', wait => $true);
	$p->wait_for(sub {
		$p->take =~ /"Log lines dropped".*"Executing job"/s
	}, 'the log goes on');
	my @lines = split /\n/, $p->take;
	my @whole = grep { defined } map { eval { Reeve::decode($_) } } @lines;
	is(@whole, @lines, 'each line is whole');
	my $dropped = 0;
	$dropped += $_->{data}{dropped}
	    for grep { $_->{message} eq 'Log lines dropped' } @whole;
	my $arrived = grep { $_->{context} eq 'Worker' } @whole;
	cmp_ok($arrived, '<', 400, 'some were dropped');
	cmp_ok($arrived, '>', 10, 'not all');
	cmp_ok($arrived + $dropped, '>=', 400, 'and those are counted');

	# Full again, and nobody reads: it ends all the same.
	$p->run_job('loud', wait => $true);
	my $begin = Reeve::now();
	is($p->stop, 'exit 0', 'it ends');
	cmp_ok(Reeve::now() - $begin, '<', 5 * $Reeve::PATIENCE, 'in time');
	$p->finish;
};

done_testing;
