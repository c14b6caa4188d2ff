# Attempts: what a worker is given, how it can end and what the rows say of it,
# what it can say, when it is started, and what waits for what.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(max min);
use Reeve;
use Test::More;
use Time::Local qw(timegm);

my $true = JSON::PP::true;
my @self = getpwuid $>;
my $SECRET = 'sEcReT-of-a-file-' . $$ . '-' . time;
my $OTHER = 'sEcReT-of-a-variable-' . $$ . '-' . time;
my $once = {maxAttempts => 1};

# A job without a schedule, that never trips its breaker.
sub job {
	my ($name, $command, %more) = @_;
	$command = ['/bin/sh', '-c', $command] unless ref $command;
	return {name => $name, command => $command, retry => $once, %more};
}

sub jsonl {
	my ($name, @lines) = @_;
	my %more = ref $lines[-1] ? %{pop @lines} : ();
	return job($name, [Reeve::worker('speaker'), @lines],
	    protocol => 'jsonl', %more);
}

# What a worker sees of itself.
my $look = <<'SH';
for f in /proc/$$/fd/*; do [ -L "$f" ] && echo "fd=${f##*/}"; done
echo "cwd=$(pwd)"
echo "umask=$(umask)"
echo "nice=$(nice)"
echo "files=$(ulimit -n) $(ulimit -Hn)"
echo "session=$(($(cut -d' ' -f6 /proc/$$/stat) - $$))"
echo "in=$(wc -c)"
grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status | tr ':' =
SH

# Where its secrets are, what they are, who may read them.
my $tell = <<'SH';
cd "$CREDENTIALS_DIRECTORY" || exit 1
echo "dir=$PWD"
for f in *; do
	echo "$f=$(stat -c %a "$f") $(md5sum < "$f" | cut -d' ' -f1)"
done
echo "mode=$(stat -c %a .)"
SH

# Says how far it is, then waits to be let go.
my $live = <<'SH';
echo '{"type":"progress","fraction":0.25,"message":"page 1 of 4"}'
until [ -e "$1" ]; do sleep 0.05; done
echo '{"type":"progress","fraction":7}'
SH

my $usage = '{"type":"usage","service":"youtube","units":40}';
my $r = Reeve->new(
	env => {LEAKED => 'of the daemon', OTHER_SECRET => $OTHER},
	files => {'key' => "$SECRET\n", noexec => "#!/bin/sh\n"},
	config => {
		shutdownGrace => '0s',
		defaults => {breaker => {failures => 0}},
		pools => {single => {maxConcurrent => 1}},
		quota => {youtube => {zone => 'America/Los_Angeles',
			limits => {default => 10000, search_list => 100}}},
	},
	jobs => [
		# Ends.
		(map { job("exit-$_", "echo last words; exit $_") } 0, 3, 126, 127),
		job('signal', 'kill -KILL $$'),
		job('no-program', ['/no/such/program']),
		job('no-name', ['no-such-program-anywhere']),
		job('not-executable', ['@DIR@/noexec'], retry => {maxAttempts => 3}),
		job('bad-cwd', 'true', cwd => '/no/such/directory'),
		job('codes-0', 'exit 4', exitCodes => {success => [4]}),
		job('codes-1', 'exit 5', exitCodes => {skip => [5]}),
		job('codes-2', 'exit 6', exitCodes => {permanent => [6]},
		    retry => {maxAttempts => 3, delay => '10ms'}),
		job('retried', [Reeve::worker('witness'), '@DIR@/evidence/retried',
		    '--exit', '9'], retry => {maxAttempts => 4, delay => '100ms',
			backoff => 'exponential', multiplier => 2}),
		job('stubborn', [Reeve::worker('stubborn'),
		    '@DIR@/evidence/stubborn', '2'],
		    timeout => '500ms', killAfter => '500ms'),
		job('polite', 'echo so far; exec sleep 600', timeout => '500ms'),
		job('run-timeout', 'sleep 0.2; exit 1', runTimeout => '1500ms',
		    retry => {maxAttempts => 1000, delay => '100ms',
			backoff => 'fixed'}),
		job('run-timeout-live', 'sleep 600', runTimeout => '700ms',
		    timeout => '1h', retry => {maxAttempts => 5, delay => '10ms'}),
		# What it is given.
		job('env', ['/usr/bin/env'], env => {FOO => 'b a=r', LANG => 'C'}),
		job('env-plain', ['/usr/bin/env']),
		{name => 'env-due', schedule => '@every 1s', command => ['env']},
		job('look', $look),
		job('look-set', $look, cwd => '/usr', umask => '077', nice => 5,
		    limits => {openFiles => 64}),
		job('text', ['cat'], stdin => {text => "so \x{fc}ber\nit\n"}),
		job('request', ['cat'], stdin => 'request',
		    params => {a => [1, {b => undef}]}),
		job('deaf', 'exec <&-; sleep 0.2', stdin => 'request',
		    params => {long => 'x' x 60_000}),
		job('secrets', $tell, secrets => {key => {file => '@DIR@/key'},
		    'other-key' => {env => 'OTHER_SECRET'}}),
		job('no-secret', $tell, secrets => {key => {file => '@DIR@/none'}}),
		# What it says.
		jsonl('result', 'plain output', '{"type":"result","result":{"n":1}}',
		    '{"type":"result","result":{"n":[2,"zw\u00f6lf"]}}'),
		jsonl('skip', '{"type":"skip","reason":"nothing new","result":{"of":1}}'),
		jsonl('error', '{"type":"error","error":"no\nluck","transient":false}',
		    {retry => {maxAttempts => 3, delay => '10ms'}}),
		jsonl('error-later', '{"type":"error","error":"busy",'
		    . '"transient":true,"retryAfter":"600ms"}',
		    {retry => {maxAttempts => 2, delay => '10ms'}}),
		jsonl('bad', '{"type":"result","result":{"a":"\ud800"}}'),
		jsonl('bad-units', '{"type":"usage","service":"youtube","units":-1}'),
		jsonl('usage', $usage, $usage, '{"type":"usage","service":"youtube",'
		    . '"bucket":"search_list","units":3}'),
		(map { jsonl("code-$_", {env => {SPEAKER_EXIT => "$_"},
		    retry => {maxAttempts => 2, delay => '10ms'}}) } 65, 75, 100),
		job('progress', ['/bin/sh', '-c', $live, 'live', '@DIR@/evidence/go'],
		    protocol => 'jsonl'),
		job('output', 'echo begin; yes | head -c 300000; echo; echo finish',
		    outputMax => '4KiB'),
		job('both', 'echo out; echo err >&2'),
		# When it starts.
		{name => 'tick', schedule => '@every 1s', command =>
		    [Reeve::worker('witness'), '@DIR@/evidence/tick']},
		{name => 'minutely', schedule => '* * * * *', command => ['true']},
		{name => 'boot', schedule => '@reboot', command => ['true']},
		{name => 'lapped', schedule => '@every 1s', command => 'sleep 2.5'},
		job('first', 'sleep 0.7', pool => 'single'),
		job('second', 'true', pool => 'single'),
		job('third', 'true', pool => 'single'),
	],
);
$r->start;

# Runs it to its end: its rows, oldest first, and its newest one.
sub rows_of {
	my ($name, %body) = @_;
	my ($code, $json) = $r->run_job($name, wait => $true, %body);
	is($code, 200, "$name was waited for") or diag(Reeve::encode($json));
	my @rows = @{$json->{attempts} // []};
	is(join(' ', map { $_->{attempt} } @rows), join(' ', 1 .. @rows),
	    "attempts of $name are numbered without a gap");
	is($json->{status}, $rows[-1]{status}, 'the status is that of the last');
	return @rows;
}

sub row_of {
	my ($name) = @_;
	my @rows = rows_of($name);
	is(@rows, 1, "one attempt of $name");
	return $rows[-1];
}

sub words {
	my ($row) = @_;
	return join ' ', map { $_ // '-' } @{$row}{qw(status reason exit_code signal)};
}

sub output_of {
	my ($row) = @_;
	my ($found) = @{$r->ledger_rows('SELECT output FROM history WHERE '
	    . "run_id = '$row->{run_id}' AND attempt = $row->{attempt}")};
	return $found->{output} // '';
}

# NAME=VALUE lines; of several with a name, all values.
sub pairs_of {
	my ($row) = @_;
	my %pairs;
	for my $line (split /\n/, output_of($row)) {
		my ($key, $value) = $line =~ /^(\w[\w-]*)=\s*(.*)$/ or next;
		$pairs{$key} = defined $pairs{$key} ? "$pairs{$key} $value" : $value;
	}
	return %pairs;
}

sub seconds {
	my ($time) = @_;
	my ($y, $mon, $d, $h, $m, $s) = $time =~
	    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "time: $time\n";
	return timegm(0, $m, $h, $d, $mon - 1, $y) + $s;
}

sub patient { return $_[0] * $Reeve::PATIENCE }

subtest 'ends' => sub {
	my %expected = (
		'exit-0' => ['success - 0 -', undef],
		'exit-3' => ['failure exit 3 -', 'exit status 3: last words'],
		'exit-126' => ['failure exit 126 -', 'exit status 126: last words'],
		'exit-127' => ['failure exit 127 -', 'exit status 127: last words'],
		'signal' => ['failure signal - 9', 'killed by signal 9 (SIGKILL)'],
		'no-program' => ['failure spawn - -',
			'spawn failed: exec: No such file or directory'],
		'no-name' => ['failure spawn - -',
			'spawn failed: exec: No such file or directory'],
		'not-executable' => ['failure spawn - -',
			'spawn failed: exec: Permission denied'],
		'codes-0' => ['success - 4 -', undef],
		'codes-1' => ['skipped worker 5 -', 'exit status 5'],
		'codes-2' => ['failure exit 6 -', 'exit status 6'],
	);
	for my $name (sort keys %expected) {
		my $row = row_of($name);
		is(words($row), $expected{$name}[0], $name);
		is($row->{error}, $expected{$name}[1], "$name: error");
		is($row->{trigger}, 'manual', "$name: trigger");
	}
	my $row = row_of('bad-cwd');
	is(words($row), 'failure spawn - -', 'no such cwd');
	like($row->{error}, qr/^spawn failed: \w+: No such file or directory$/,
	    'which step it was');
};

subtest 'retries' => sub {
	my @rows = rows_of('retried');
	is(@rows, 4, 'four attempts');
	is(words($_), 'failure exit 9 -', "attempt $_->{attempt}") for @rows;
	my %runs = map { $_->{run_id} => 1 } @rows;
	is(keys %runs, 1, 'one run');
	my @gaps = map {
		seconds($rows[$_]{started_at}) - seconds($rows[$_ - 1]{completed_at})
	} 1 .. $#rows;
	for my $n (0 .. $#gaps) {
		my $wait = 0.1 * 2 ** $n;
		cmp_ok($gaps[$n], '>=', $wait - 0.002, "wait $n: not too short");
		cmp_ok($gaps[$n], '<', $wait + patient(0.5), "wait $n: nor long");
	}
	my @seen = map { $_->{attempt} } grep { $_->{event} eq 'start' }
	    $r->evidence('retried');
	is("@seen", '1 2 3 4', 'the worker was told which');
};

subtest 'timeouts' => sub {
	my $row = row_of('stubborn');
	is(words($row), 'failure timeout - 9', 'ignores TERM: killed');
	like($row->{error}, qr/^timed out after 500ms/, 'and says so');
	cmp_ok($row->{duration_ms}, '>=', 1000, 'not before its time');
	cmp_ok($row->{duration_ms}, '<', 1000 + patient(1500), 'nor long after');
	$row = row_of('polite');
	is(words($row), 'failure timeout - 15', 'ends by TERM');
	is($row->{error}, 'timed out after 500ms: so far', 'its last line');
	cmp_ok($row->{duration_ms}, '<', 500 + patient(1500), 'at once');

	my @rows = rows_of('run-timeout');
	my $took = seconds($rows[-1]{completed_at}) - seconds($rows[0]{started_at});
	cmp_ok(@rows, '>=', 2, 'several attempts in the time of the run');
	cmp_ok($took, '<', 1.5 + patient(1.5), 'and none after it');
	@rows = rows_of('run-timeout-live');
	is(@rows, 1, 'the time of the run is over: no retry');
	is($rows[0]{reason}, 'timeout', 'timeout');
	like($rows[0]{error}, qr/^run timed out after 700ms/, 'of the run');
};

subtest 'environment' => sub {
	my $row = row_of('env');
	my %env = pairs_of($row);
	my %given = (
		HOME => $self[7], USER => $self[0], LOGNAME => $self[0],
		PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
		SHELL => $env{SHELL}, LANG => 'C', FOO => 'b a=r',
		TEST_OF => $r->dir, REEVE_JOB => 'env', REEVE_RUN_ID => $row->{run_id},
		REEVE_ATTEMPT => 1, REEVE_ATTEMPT_ID => $env{REEVE_ATTEMPT_ID},
		REEVE_DEADLINE => $env{REEVE_DEADLINE});
	is_deeply(\%env, \%given, 'as documented, and nothing else');
	like($env{SHELL} // '', qr{^/}, 'SHELL');
	like($env{REEVE_ATTEMPT_ID} // '', qr/\Q$row->{run_id}\E.*1$/, 'attempt');
	my $left = seconds($env{REEVE_DEADLINE}) - seconds($row->{started_at});
	cmp_ok(abs($left - 3600), '<', 0.01, 'the deadline is that of the timeout');

	%env = pairs_of(row_of('env-plain'));
	is($env{LANG}, 'C.UTF-8', 'LANG by default');
	$row = $r->wait_for(sub { $r->history('env-due')->[0] }, 'a fire');
	%env = pairs_of($row);
	is($env{REEVE_SCHEDULED_AT}, $row->{scheduled_at}, 'the instant of the fire');
};

subtest 'process' => sub {
	my %saw = pairs_of(row_of('look'));
	is($saw{fd}, '0 1 2', 'no descriptor but three');
	is($saw{cwd}, -d $self[7] ? $self[7] : '/', 'home');
	is($saw{umask}, '0022', 'umask');
	is($saw{nice}, nice_now(), 'nice');
	is($saw{session}, 0, 'a session of its own');
	is($saw{in}, 0, 'nothing to read');
	is($saw{$_}, '0000000000000000', $_) for qw(SigBlk SigIgn);
	is($saw{NoNewPrivs}, 1, 'no new privileges');
	%saw = pairs_of(row_of('look-set'));
	is($saw{cwd}, '/usr', 'cwd');
	is($saw{umask}, '0077', 'umask');
	is($saw{nice}, min(19, nice_now() + 5), 'nice');
	is($saw{files}, '64 64', 'open files');
	is($saw{fd}, '0 1 2', 'still three');
};

sub nice_now { return getpriority(0, 0) }

subtest 'standard input' => sub {
	is(output_of(row_of('text')), "so \x{fc}ber\nit\n", 'a text');
	my $first = row_of('request');
	my $text = output_of($first);
	is(() = $text =~ /\n/g, 1, 'one line');
	my $said = eval { Reeve::decode(encode_utf8($text)) } // {};
	is_deeply([sort keys %$said], [sort qw(v job runId attempt maxAttempts
	    trigger scheduledAt deadline params previous quota parent)],
	    'the fields of a request');
	is($said->{v}, 1, 'version');
	is($said->{job}, 'request', 'job');
	is($said->{runId}, $first->{run_id}, 'run');
	is("$said->{attempt} $said->{maxAttempts} $said->{trigger}",
	    '1 1 manual', 'attempt, attempts, trigger');
	is_deeply($said->{params}, {a => [1, {b => undef}]}, 'params');
	is($said->{$_}, undef, "no $_") for qw(scheduledAt previous parent);
	like($said->{deadline}, qr/^\d{4}-.*Z$/, 'deadline');
	is($said->{quota}{youtube}{limit}, 10000, 'quota');
	my @rows = rows_of('request', params => {only => 'this'});
	$said = eval { Reeve::decode(encode_utf8(output_of($rows[0]))) } // {};
	is_deeply($said->{params}, {only => 'this'}, 'params of the trigger');
	is($said->{previous}{status}, 'success', 'the run before');
	is($said->{previous}{completedAt}, $first->{completed_at}, 'its end');
	is(words(row_of('deaf')), 'success - 0 -', 'not read: no harm');
};

sub encode_utf8 { my ($text) = @_; utf8::encode($text); return $text }

subtest 'secrets' => sub {
	my $row = row_of('secrets');
	is(words($row), 'success - 0 -', 'it has them');
	my %saw = pairs_of($row);
	is($saw{key}, '400 ' . md5_hex($SECRET), 'of a file, without the newline');
	is($saw{'other-key'}, '400 ' . md5_hex($OTHER), 'of a variable');
	like($saw{mode}, qr/^[57]00$/, 'in a private directory');
	isnt($saw{dir}, '', 'that it was told of');
	ok(!-e $saw{dir}, 'and that is gone');
	my $none = row_of('no-secret');
	is(words($none), 'failure spawn - -', 'no secret, no start');
	like($none->{error}, qr/secret/, 'it says why');

	my $seen = join "\n", map { Reeve::slurp($_) }
	    map({ $r->path($_) } qw(out.log err.log)),
	    glob $r->path('state', '*');
	for my $path ('/api/jobs/status', '/api/jobs/secrets',
	    '/api/jobs/history/secrets') {
		$seen .= $r->unix_request('GET', $path)->{body};
	}
	my @dump = $r->run_once('--dump-config');
	is($dump[0], 0, 'the configuration is printed');
	unlike($seen . $dump[1] . $dump[2], qr/\Q$SECRET\E|\Q$OTHER\E/,
	    'their values are nowhere');
};

subtest 'jsonl' => sub {
	my $row = row_of('result');
	is(words($row), 'success - 0 -', 'a result');
	is_deeply($row->{result}, {n => [2, "zw\x{f6}lf"]}, 'the last wins');
	is(output_of($row), "plain output\n", 'what is no message is output');
	$row = row_of('skip');
	is(words($row), 'skipped worker 0 -', 'a skip');
	is($row->{error}, 'nothing new', 'its words');
	is_deeply($row->{result}, {of => 1}, 'and result');
	$row = row_of('error');
	is(words($row), 'failure exit 0 -', 'an error with exit 0, not retried');
	is($row->{error}, 'no luck', 'on one line');
	my @rows = rows_of('error-later');
	is(@rows, 2, 'a transient one is tried again');
	cmp_ok(seconds($rows[1]{started_at}) - seconds($rows[0]{completed_at}),
	    '>=', 0.598, 'no sooner than it asked for');
	for my $name (qw(bad bad-units)) {
		$row = row_of($name);
		is(words($row), 'failure protocol 0 -', $name);
		is($row->{result}, undef, "$name: no result");
		like($row->{error}, qr/^bad message: \w/, "$name: why");
	}
	@rows = rows_of('code-65');
	is(scalar(@rows) . ' ' . words($rows[-1]), '1 failure exit 65 -', 'exit 65');
	@rows = rows_of('code-75');
	is(scalar(@rows) . ' ' . words($rows[-1]), '2 failure exit 75 -', 'exit 75');
	@rows = rows_of('code-100');
	is(scalar(@rows) . ' ' . words($rows[-1]), '1 skipped worker 100 -', 'exit 100');
};

subtest 'progress' => sub {
	my ($code) = $r->run_job('progress');
	is($code, 202, 'admitted');
	my $running = $r->wait_for(sub {
		my $json = $r->unix_request('GET', '/api/jobs/progress')->{json};
		my ($one) = @{$json->{running} // []};
		$one && $one->{progress} && $one;
	}, 'progress is seen');
	is($running->{attempt}, 1, 'attempt');
	ok(kill(0, $running->{pid} // -1), 'pid');
	is_deeply($running->{progress},
	    {fraction => 0.25, message => 'page 1 of 4'}, 'how far it is');
	my $status = $r->api_get('/api/jobs/status?jobs=progress')->{json};
	is($status->{jobs}{progress}{running}[0]{runId}, $running->{runId},
	    'in the status, too');
	$r->write_file('evidence/go', '');
	$r->wait_for(sub { $r->history('progress')->[0] }, 'it has ended');
	is_deeply($r->unix_request('GET', '/api/jobs/progress')->{json}{running},
	    [], 'nothing runs');
};

sub quota { return $r->api_get('/api/jobs/status')->{json}{quota}{youtube} }

sub buckets { return map { $_->{id} => $_->{used} } @{$_[0]{buckets}} }

subtest 'usage' => sub {
	is(quota()->{used}, 0, 'nothing yet');
	my $row = row_of('usage');
	is(words($row), 'success - 0 -', 'it used some');
	my $quota = quota();
	is("$quota->{used} $quota->{remaining}", '80 9920', 'added up');
	is_deeply({buckets($quota)}, {default => 80, search_list => 3}, 'by bucket');
	my ($kept) = @{$r->ledger_rows('SELECT usage FROM history WHERE run_id = '
	    . "'$row->{run_id}'")};
	like($kept->{usage}, qr/search_list/, 'and kept with the row');
};

subtest 'output' => sub {
	my $row = row_of('output');
	my $text = output_of($row);
	like($text, qr/^begin\ny\ny\n/, 'its head');
	like($text, qr/\ny\ny\n+finish\n\z/, 'its tail');
	like($text, qr/\n\[\.\.\. (\d+) bytes cut \.\.\.\]\n/, 'a mark');
	my ($cut) = $text =~ /\[\.\.\. (\d+) bytes cut/;
	my $kept = length($text) - length "\n[... $cut bytes cut ...]\n";
	cmp_ok($kept, '<=', 4096, 'no more than the cap');
	cmp_ok($kept, '>', 4000, 'nor much less');
	is($cut + $kept, 300_000 + length("begin\n\nfinish\n"), 'nothing uncounted');
	like(output_of(row_of('both')), qr/^(?:out\nerr|err\nout)\n\z/,
	    'both streams');
};

subtest 'on time' => sub {
	$r->wait_for(sub { @{$r->history('tick')} >= 6 }, 'six ticks');
	my @rows = reverse @{$r->history('tick')};
	my @due = map { seconds($_->{scheduled_at}) } @rows;
	my @late = map { seconds($_->{started_at}) - seconds($_->{scheduled_at}) }
	    @rows;
	cmp_ok(min(@late), '>=', 0, 'none too early');
	cmp_ok(max(@late), '<', patient(1), 'none late');
	is_deeply([grep { abs($due[$_] - $due[$_ - 1] - 1) > 0.0005 } 1 .. $#due],
	    [], 'one each second');
	is($rows[0]{trigger}, 'schedule', 'trigger');
	if ($ENV{REEVE_TEST_LONG}) {
		$r->wait_for(sub { $r->history('minutely')->[0] }, 'a minute', 65);
	}
	# Without that: the minutes that begin while this file runs.
	my $status = $r->api_get('/api/jobs/status')->{json};
	my $next = seconds($status->{jobs}{minutely}{nextFires}[0]);
	my $now = seconds($status->{supervisor}{now});
	cmp_ok(abs($next - (int($now / 60) + 1) * 60), '<', 0.001, 'next minute');
	for my $row (@{$r->history('minutely')}) {
		like($row->{scheduled_at}, qr/:00\.000Z$/, 'at second 0');
		my $late = seconds($row->{started_at}) - seconds($row->{scheduled_at});
		cmp_ok($late, '>=', 0, 'not too early');
		cmp_ok($late, '<', patient(1), 'nor late');
	}
	my $boot = $r->history('boot');
	is(@$boot, 1, '@reboot ran');
	like($boot->[0]{trigger}, qr/^(?:start|schedule)$/, 'at the start');
};

subtest 'overlap' => sub {
	my ($skip) = $r->wait_for(sub {
		grep { $_->{status} eq 'skipped' } @{$r->history('lapped')}
	}, 'a skip') ? grep { $_->{status} eq 'skipped' } @{$r->history('lapped')} : ();
	is($skip->{reason}, 'overlap', 'reason');
	is($skip->{attempt}, 0, 'attempt 0');
	is($skip->{started_at}, $skip->{completed_at}, 'equal times');
	is($skip->{exit_code}, undef, 'no exit code');
	$r->wait_for(sub {
		@{$r->unix_request('GET', '/api/jobs/lapped')->{json}{running}}
	}, 'it runs');
	my ($code, $json) = $r->run_job('lapped');
	SKIP: {
		skip 'it ended in between', 2 if $code == 202;
		is("$code $json->{error}{code}", '409 OVERLAP', 'refused by hand');
		my ($row) = grep { $_->{trigger} eq 'manual' } @{$r->history('lapped')};
		is("$row->{status} $row->{reason}", 'skipped overlap', 'and recorded');
	}
	my @ran = sort { $a->[0] <=> $b->[0] } map {
		[seconds($_->{started_at}), seconds($_->{completed_at})]
	} grep { $_->{status} ne 'skipped' } @{$r->history('lapped')};
	is_deeply([grep { $ran[$_][0] < $ran[$_ - 1][1] } 1 .. $#ran], [],
	    'never two at once');
};

subtest 'one at a time' => sub {
	is(($r->run_job($_))[0], 202, "$_ admitted") for qw(first second third);
	my $json = $r->unix_request('GET', '/api/jobs/second')->{json};
	is($json->{waiting}[0]{for}, 'slot', 'the second waits for a slot');
	is(@{$json->{running}}, 0, 'and does not run');
	$r->wait_for(sub { $r->history('third')->[0] }, 'the last has ended');
	my @rows = map { $r->history($_)->[0] } qw(first second third);
	is($_->{status}, 'success', "$_->{job_name} ran") for @rows;
	for my $n (1, 2) {
		cmp_ok(seconds($rows[$n]{started_at}), '>=',
		    seconds($rows[$n - 1]{completed_at}), 'after the one before');
	}
};

subtest 'after a restart' => sub {
	$r->stop;
	$r->start;
	my $quota = quota();
	is($quota->{used}, 80, 'the usage is still known');
	is_deeply({buckets($quota)}, {default => 80, search_list => 3}, 'by bucket');
	$r->wait_for(sub {
		my ($new) = @{$r->history('tick')};
		seconds($new->{started_at}) > time - 2;
	}, 'ticks again');
	is(@{$r->history('boot')}, 1, '@reboot did not run again');
	my $json = $r->unix_request('GET', '/api/jobs/tick')->{json};
	like($json->{nextFires}[0] // '', qr/Z$/, 'the next fire');
	my %seen;
	$seen{$_->{scheduled_at}}++ for @{$r->history('tick')};
	is_deeply([grep { $seen{$_} > 1 } keys %seen], [], 'no fire twice');
};

$r->finish;
done_testing;
