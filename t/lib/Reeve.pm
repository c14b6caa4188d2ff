# Reeve.pm - one private daemon for one test: own directory, own port, own
# socket; polls with a deadline; at the end it asserts what must always hold.
# Core modules only.
#
#   my $r = Reeve->new(jobs => [{name => 'a', schedule => '@every 1s',
#       command => [Reeve::worker('witness'), ...]}]);
#   $r->start;
#   $r->wait_for(sub { @{$r->history('a')} >= 2 }, 'two runs');
#   $r->finish;
#   done_testing;
package Reeve;
use strict;
use warnings;
use Carp qw(croak carp);
use Cwd qw(abs_path);
use Errno qw(EINTR);
use Fcntl qw(SEEK_SET);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use HTTP::Tiny;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Socket qw(SOCK_STREAM);
use Test::More ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our $SRCDIR = abs_path($ENV{REEVE_SRCDIR} // dirname(__FILE__) . '/../..');
our $BUILDDIR = abs_path($ENV{REEVE_BUILDDIR} // "$SRCDIR/build/gcc");
# Sanitizers and a busy machine make everything slower, never wrong.
our $PATIENCE = $ENV{REEVE_TEST_PATIENCE} // 1;

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;
my %alive; # harnesses not yet finished, by directory

# A timeout's TERM must not leave a daemon behind.
$SIG{TERM} = sub { die "test terminated\n" };
$SIG{PIPE} = 'IGNORE';

sub encode { return $JSON->encode($_[0]) }
sub decode { return $JSON->decode($_[0]) }

# Absolute path of a test worker.
sub worker { return "$SRCDIR/t/lib/workers/$_[0]" }

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# Was the daemon built with --enable-debug?
sub is_debug {
	return slurp("$BUILDDIR/config.h") =~ /^#define REEVE_DEBUG 1/m;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<', $path or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub spew {
	my ($path, $text, $mode) = @_;
	my $tmp = "$path.new";
	open my $fh, '>', $tmp or croak "$tmp: $!";
	print {$fh} $text or croak "$tmp: $!";
	close $fh or croak "$tmp: $!";
	chmod $mode // 0600, $tmp or croak "$tmp: $!";
	rename $tmp, $path or croak "$path: $!";
}

# new(config => {}, jobs => [], text => '...', files => {NAME => TEXT},
#     env => {}, args => [])
# config: added to the defaults below. text: the whole configuration, as it is,
# with @DIR@ replaced. files: written beside it ("jobs.d/x.json").
sub new {
	my ($class, %opt) = @_;
	my $tmp = File::Temp->newdir('reeve-XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
	my $self = bless {
		dir => abs_path("$tmp"),
		env => $opt{env} // {},
		args => $opt{args} // [],
		text => $opt{text},
		config => $opt{config} // {},
		jobs => $opt{jobs} // [],
		starts => 0,
		parent => $$,
	}, $class;
	$alive{$self->{dir}} = $self;
	mkdir $self->path($_), 0700 or croak "mkdir: $!"
	    for qw(state run evidence san jobs.d);
	$self->write_file($_, $opt{files}{$_}) for sort keys %{$opt{files} // {}};
	$self->write_config;
	return $self;
}

sub path { return join '/', $_[0]{dir}, @_[1 .. $#_] }
sub dir { return $_[0]{dir} }
sub pid { return $_[0]{pid} }
sub socket_path { return $_[0]->path('run', 'reeved.sock') }
sub config_path { return $_[0]->path('reeve.json') }

sub write_file {
	my ($self, $name, $text) = @_;
	$text = encode($text) if ref $text;
	$text =~ s/\@DIR\@/$self->{dir}/g;
	make_path(dirname($self->path($name)), {mode => 0700});
	spew($self->path($name), $text);
}

# The configuration as a hash: defaults, then what the test gave.
sub full_config {
	my ($self) = @_;
	my %own = %{$self->{config}};
	my %defaults = %{delete $own{defaults} // {}};
	# Every worker carries the directory's name, so that none is missed.
	$defaults{env} = {TEST_OF => $self->{dir}, %{$defaults{env} // {}}};
	return {
		stateDir => $self->path('state'),
		runDir => $self->path('run'),
		api => {listen => ['unix:reeved.sock', '127.0.0.1:0']},
		log => {level => 'debug'},
		%own,
		defaults => \%defaults,
		jobs => $self->{jobs},
	};
}

# Write the configuration; given jobs replace the earlier ones.
sub write_config {
	my ($self, %opt) = @_;
	for my $key (qw(config jobs text)) {
		$self->{$key} = $opt{$key} if exists $opt{$key};
	}
	$self->write_file('reeve.json', $self->{text} // $self->full_config);
}

# ---- life ----

# Start it and wait until it is ready; wait => 0: do not wait. A start that is
# to be refused is run_once()'s.
sub start {
	my ($self, %opt) = @_;
	croak 'already running' if $self->{pid};
	$self->{starts}++;
	$self->{log_from} = -s $self->path('out.log') // 0;
	my $pid = $self->spawn_daemon(@{$self->{args}}, @{$opt{args} // []});
	$self->{pid} = $pid;
	delete $self->{address};
	delete $self->{status};
	return $self if exists $opt{wait} && !$opt{wait};
	$self->wait_for(sub { $self->gone || $self->is_ready }, 'daemon ready');
	if ($self->gone) {
		$self->show_logs;
		croak 'the daemon ended at its start';
	}
	$self->{fds} //= $self->fd_count;
	return $self;
}

sub spawn_daemon {
	my ($self, @args) = @_;
	my %san = map {
		$_ => join ':', 'log_path=' . $self->path('san', 'report'),
		    'print_stacktrace=1', grep { length } $ENV{$_} // ''
	} qw(ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS);
	my %env = (%ENV, %san, TEST_OF => $self->{dir}, %{$self->{env}});
	my @command = ("$BUILDDIR/reeved", '-c', $self->config_path, @args);
	# The daemon must not outlive a test that is killed.
	unshift @command, 'setpriv', '--pdeathsig', 'KILL', '--'
	    if -x '/usr/bin/setpriv';
	my $pid = fork // croak "fork: $!";
	return $pid if $pid;
	%ENV = %env;
	$SIG{TERM} = 'DEFAULT';
	$SIG{PIPE} = 'DEFAULT';
	open STDIN, '<', '/dev/null' or POSIX::_exit(126);
	open STDOUT, '>>', $self->path('out.log') or POSIX::_exit(126);
	open STDERR, '>>', $self->path('err.log') or POSIX::_exit(126);
	exec {$command[0]} @command or POSIX::_exit(127);
}

# Run reeved once to its end: (exit status, standard output, standard error).
sub run_once {
	my ($self, @args) = @_;
	my ($out, $err) = map { $self->path("once.$_") } qw(out err);
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		$ENV{"${_}_OPTIONS"} = 'log_path=' . $self->path('san', 'report')
		    for qw(ASAN UBSAN TSAN);
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>', $out or POSIX::_exit(126);
		open STDERR, '>', $err or POSIX::_exit(126);
		exec "$BUILDDIR/reeved", '-c', $self->config_path, @args
		    or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return ($? & 127 ? "signal " . ($? & 127) : $? >> 8, slurp($out),
	    slurp($err));
}

# Has the process we started ended? Keeps its wait status.
sub gone {
	my ($self) = @_;
	return 1 if !$self->{pid};
	my $got = waitpid $self->{pid}, WNOHANG;
	return 0 if $got == 0;
	$self->{status} = $got < 0 ? -1 : $?;
	delete $self->{pid};
	return 1;
}

# Wait status as people write it: "exit 0", "signal 9".
sub status_text {
	my ($self) = @_;
	my $s = $self->{status} // return 'running';
	return $s & 127 ? 'signal ' . ($s & 127) : 'exit ' . ($s >> 8);
}

sub reap_within {
	my ($self, $seconds) = @_;
	$self->wait_for(sub { $self->gone }, 'the daemon ends', $seconds);
	return $self->status_text;
}

sub signal {
	my ($self, $name) = @_;
	croak 'not running' unless $self->{pid};
	kill $name, $self->{pid} or croak "kill: $!";
}

sub hup { $_[0]->signal('HUP') }
sub term { $_[0]->signal('TERM') }

# HUP, and wait until the log tells how it went: the entry.
sub reload {
	my ($self) = @_;
	my $seen = grep { $_->{message} =~ /^Configuration/ } $self->log_lines;
	my @now;
	$self->hup;
	$self->wait_for(sub {
		@now = grep { $_->{message} =~ /^Configuration/ } $self->log_lines;
		@now > $seen;
	}, 'the reload is logged');
	return $now[-1];
}

# TERM and wait for the end: "exit 0".
sub stop {
	my ($self, $seconds) = @_;
	return $self->status_text unless $self->{pid};
	$self->term;
	return $self->reap_within($seconds // 60);
}

sub kill9 {
	my ($self) = @_;
	$self->signal('KILL');
	return $self->reap_within(30);
}

# Poll until `sub` is true: its value. When it never is, the test dies, with
# the log.
sub wait_for {
	my ($self, $sub, $what, $seconds) = @_;
	my $deadline = now() + ($seconds // 30) * $PATIENCE;
	for (;;) {
		my $value = $sub->();
		return $value if $value;
		last if now() > $deadline;
		select undef, undef, undef, 0.02;
	}
	$self->show_logs;
	croak 'waited in vain: ' . ($what // 'condition');
}

# ---- log ----

sub raw_lines {
	my ($self, $name) = @_;
	my @lines = split /\n/, slurp($self->path($name)), -1;
	pop @lines; # what follows the last newline: nothing, or half a line
	return @lines;
}

# Entries of both streams in the order of their times; a line that is no JSON
# object dies, unless `lax`.
sub log_lines {
	my ($self, %opt) = @_;
	my @entries;
	for my $name ('out.log', 'err.log') {
		for my $line ($self->raw_lines($name)) {
			my $entry = eval { decode($line) };
			if (ref $entry ne 'HASH') {
				next if $opt{lax};
				croak "$name: no JSON object: $line";
			}
			push @entries, $entry;
		}
	}
	return sort { ($a->{timestamp} // '') cmp ($b->{timestamp} // '') } @entries;
}

# Entries whose message is, or matches, `message`.
sub logged {
	my ($self, $message) = @_;
	return grep {
		ref $message ? $_->{message} =~ $message : $_->{message} eq $message
	} $self->log_lines(lax => 1);
}

sub show_logs {
	my ($self) = @_;
	for my $name ('out.log', 'err.log') {
		my @lines = $self->raw_lines($name);
		splice @lines, 0, @lines - 40 if @lines > 40;
		Test::More::diag("---- $name") if @lines;
		Test::More::diag(substr $_, 0, 600) for @lines;
	}
}

# ---- API ----

# host:port on which it listens, from the log of this start.
sub address {
	my ($self) = @_;
	return $self->{address} if $self->{address};
	my $log = substr slurp($self->path('out.log')), $self->{log_from} // 0;
	for my $line (split /\n/, $log) {
		next unless $line =~ /"Listening"/;
		my $entry = eval { decode($line) } or next;
		my $address = $entry->{data}{address} // '';
		$self->{address} = $address if $address =~ /^[\d.]+:\d+$/;
	}
	return $self->{address};
}

sub is_ready {
	my ($self) = @_;
	my $answer = eval { $self->unix_request('GET', '/health/ready') };
	return $answer && $answer->{status} == 200;
}

# A raw exchange: send these bytes, return all that comes until the other side
# closes or `seconds` have passed.
sub raw {
	my ($self, $bytes, %opt) = @_;
	my $socket = $opt{unix}
	    ? IO::Socket::UNIX->new(Peer => $self->socket_path, Type => SOCK_STREAM)
	    : IO::Socket::INET->new(PeerAddr => $self->address, Timeout => 10);
	croak "connect: $!" unless $socket;
	my $deadline = now() + ($opt{seconds} // 30) * $PATIENCE;
	my ($sent, $answer) = (0, '');
	while ($sent < length $bytes) {
		my $n = syswrite $socket, $bytes, length($bytes) - $sent, $sent;
		last unless defined $n; # refused early; the answer says why
		$sent += $n;
	}
	for (;;) {
		my $left = $deadline - now();
		last if $left <= 0;
		my $set = '';
		vec($set, fileno $socket, 1) = 1;
		next if select($set, undef, undef, $left) < 1;
		my $n = sysread $socket, $answer, 65536, length $answer;
		next if !defined $n && $! == EINTR;
		last unless $n;
	}
	close $socket;
	return $answer;
}

sub parse_answer {
	my ($bytes) = @_;
	my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
	croak 'no HTTP answer: ' . substr($bytes, 0, 200)
	    unless defined $body && $head =~ m{^HTTP/1\.[01] (\d{3})};
	my $status = $1;
	my %headers;
	for my $line (split /\r\n/, $head) {
		$headers{lc $1} = $2 if $line =~ /^([^:]+):\s*(.*)$/;
	}
	if (lc($headers{'transfer-encoding'} // '') eq 'chunked') {
		my $whole = '';
		while ($body =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n//) {
			my $size = hex $1 or last;
			$whole .= substr $body, 0, $size + 2, '';
			substr $whole, -2, 2, '';
		}
		$body = $whole;
	}
	return {status => $status, headers => \%headers, body => $body};
}

sub with_json {
	my ($answer) = @_;
	$answer->{json} = eval { decode($answer->{body}) };
	return $answer;
}

# Over the unix socket: {status, headers, body, json}.
sub unix_request {
	my ($self, $method, $path, $body, %headers) = @_;
	$body = encode($body) if ref $body;
	%headers = (Host => 'localhost', Connection => 'close', %headers);
	$headers{'Content-Length'} = length $body if defined $body;
	my $head = join '', map { "$_: $headers{$_}\r\n" } sort keys %headers;
	return with_json(parse_answer($self->raw("$method $path HTTP/1.1\r\n"
	    . "$head\r\n" . ($body // ''), unix => 1)));
}

# Over TCP, by a client that is not ours.
sub tcp_request {
	my ($self, $method, $path, $body, %headers) = @_;
	$body = encode($body) if ref $body;
	my $http = HTTP::Tiny->new(timeout => 30 * $PATIENCE, keep_alive => 0,
	    max_redirect => 0);
	my $answer = $http->request($method, 'http://' . $self->address . $path,
	    {headers => \%headers, defined $body ? (content => $body) : ()});
	croak "$method $path: $answer->{content}" if $answer->{status} == 599;
	return with_json({status => $answer->{status},
	    headers => $answer->{headers}, body => $answer->{content}});
}

sub api_get { my ($self, @rest) = @_; return $self->tcp_request('GET', @rest) }

# POST by the unix socket, where the test's user may do everything.
sub api_post {
	my ($self, $path, $body) = @_;
	return $self->unix_request('POST', $path, $body // '',
	    'Content-Type' => 'application/json');
}

# Rows of a job, newest first; dies on any other answer than 200 and 404.
sub history {
	my ($self, $job, $limit) = @_;
	my $answer = $self->api_get("/api/jobs/history/$job?limit=" . ($limit // 100));
	return [] if $answer->{status} == 404;
	croak "history: $answer->{status} $answer->{body}"
	    if $answer->{status} != 200 || !$answer->{json};
	return $answer->{json}{history};
}

# Run a job now: the answer's status and JSON.
sub run_job {
	my ($self, $job, %body) = @_;
	my $answer = $self->api_post("/api/jobs/$job/run", \%body);
	return ($answer->{status}, $answer->{json});
}

# ---- the ledger, read beside the daemon by SQLite's own program ----

sub ledger_path {
	my ($self) = @_;
	return $self->path('state', 'ledger.db');
}

# Rows as hashes.
sub ledger_rows {
	my ($self, $sql) = @_;
	open my $sqlite, '-|', 'sqlite3', '-readonly', '-json', '-cmd',
	    '.timeout 5000', $self->ledger_path, $sql or croak "sqlite3: $!";
	my $text = do { local $/; <$sqlite> } // '';
	close $sqlite or croak "sqlite3 failed on: $sql";
	return $text =~ /\S/ ? decode($text) : [];
}

# ---- evidence: what the workers themselves wrote ----

sub evidence_path { return $_[0]->path('evidence', $_[1]) }

# Entries of the file, as test workers write them: one JSON object a line.
sub evidence {
	my ($self, $name) = @_;
	return map { decode($_) } grep { length }
	    split /\n/, slurp($self->evidence_path($name));
}

# ---- processes ----

sub fd_count {
	my ($self, $pid) = @_;
	my @fds = glob '/proc/' . ($pid // $self->{pid}) . '/fd/*';
	return scalar @fds;
}

# Resident memory in KiB.
sub rss_kib {
	my ($self) = @_;
	return slurp("/proc/$self->{pid}/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

# Processes that carry our directory in environment, arguments or working
# directory: [pid, command line]. The daemon, workers, what they left.
sub processes {
	my ($self) = @_;
	my @found;
	for my $proc (glob '/proc/[0-9]*') {
		my ($pid) = $proc =~ /(\d+)$/;
		next if $pid == $$ || $pid == $self->{parent};
		my $command = slurp("$proc/cmdline");
		next if "\0$command" !~ /\Q$self->{dir}\E/
		    && slurp("$proc/environ") !~ /\Q$self->{dir}\E(?:[\0\/]|$)/
		    && (readlink("$proc/cwd") // '') !~ /^\Q$self->{dir}\E/;
		next if slurp("$proc/stat") =~ /\) Z /;
		push @found, [$pid, $command =~ tr/\0/ /r];
	}
	return @found;
}

# ---- the end ----

# What must hold after every test, with as many test results.
sub finish {
	my ($self, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return if $self->{finished}++;
	delete $alive{$self->{dir}};
	my $ok = 1;
	if ($self->{pid} && !$self->gone) {
		my $fds = $self->{fds} // 0;
		my $slack = $opt{fd_slack} // 0;
		my $settled = eval {
			$self->wait_for(sub { $self->fd_count <= $fds + $slack },
			    'descriptors', 10);
		};
		$ok &= Test::More::ok($settled, 'no descriptor has grown')
		    || list_fds($self->{pid});
		$ok &= Test::More::is($self->stop, 'exit 0', 'the daemon ends well');
	}
	$ok &= Test::More::is(join("\n", $self->bug_lines), '', 'no BUG line');
	$ok &= Test::More::is(join("\n", map { slurp($_) }
	    glob $self->path('san', '*')), '', 'no sanitizer report');
	$ok &= Test::More::is(join("\n", $self->broken_lines), '',
	    'every log line is one JSON object');
	my @left;
	eval { $self->wait_for(sub { !(@left = $self->processes) }, 'none', 5) };
	$ok &= Test::More::is(join("\n", map { "$_->[0] $_->[1]" } @left), '',
	    'no process is left');
	kill 'KILL', map { $_->[0] } @left;
	$self->{passed} = $ok;
	if ($ok && Test::More->builder->is_passing && !$ENV{REEVE_TEST_KEEP}) {
		File::Path::remove_tree($self->{dir});
	} else {
		$self->show_logs;
		Test::More::diag("kept: $self->{dir}");
	}
}

sub list_fds {
	my ($pid) = @_;
	Test::More::diag(sprintf '%s -> %s', $_, readlink($_) // '?')
	    for glob "/proc/$pid/fd/*";
	return 0;
}

sub bug_lines {
	my ($self) = @_;
	return grep { /^BUG\b|"message":"BUG\b/ } $self->raw_lines('err.log'),
	    $self->raw_lines('out.log');
}

sub broken_lines {
	my ($self) = @_;
	return map { substr $_, 0, 300 } grep {
		my $entry = eval { decode($_) };
		ref $entry ne 'HASH' || !defined $entry->{timestamp}
		    || !defined $entry->{level} || !defined $entry->{message}
	} map { $self->raw_lines($_) } 'out.log', 'err.log';
}

# A test that died leaves no process either.
END {
	my $status = $?;
	for my $self (values %alive) {
		next if $self->{parent} != $$;
		kill 'KILL', $self->{pid} if $self->{pid};
		$self->gone;
		kill 'KILL', map { $_->[0] } $self->processes;
		Test::More::diag("not finished, kept: $self->{dir}");
		$status ||= 1;
	}
	$? = $status;
}

1;
