# The HTTP routes: who may ask what, what the answers are made of, and what
# hostile or careless clients get.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use HTTP::Tiny;
use Reeve;
use Test::More;
use Time::HiRes qw(time);

my $true = JSON::PP::true;
my @many = map { {name => sprintf('many-%02d', $_), command => 'true'} } 1 .. 9;
my $r = Reeve->new(
	config => {shutdownGrace => '0s', api => {
		listen => ['unix:reeved.sock', '127.0.0.1:0'],
		tokens => [
			{name => 'eye', secret => {file => 'viewer'}, role => 'viewer'},
			{name => 'hand', secret => {file => 'operator'},
			    role => 'operator'},
			{name => 'gone', secret => {file => 'nowhere'},
			    role => 'operator'},
		]}},
	files => {viewer => "seeing\n", operator => "doing\n"},
	jobs => [
		{name => 'disk-space', schedule => '@every 1h', command => 'true'},
		{name => 'echo', protocol => 'jsonl', command => ['sh', '-c',
		    'read -r request; printf \'{"type":"result","result":%s}\n\' '
			. '"$request"']},
		{name => 'slow', schedule => '@every 1h', retry => {maxAttempts => 1},
		    command => [Reeve::worker('witness'), '@DIR@/evidence/slow',
			'--for', '600']},
		{name => 'short', command => 'sleep 1'},
		{name => 'broken', command => 'exit 1',
		    retry => {maxAttempts => 1}, breaker => {failures => 2}},
		@many,
	],
);
$r->start;

sub head_of { return Reeve::parse_answer($_[0]) }

# Over TCP with a token.
sub as {
	my ($token, $method, $path, $body, %more) = @_;
	return $r->tcp_request($method, $path, $body,
	    defined $token ? (Authorization => "Bearer $token") : (),
	    defined $body ? ('Content-Type' => 'application/json') : (), %more);
}

sub code_of { return $_[0]->{json}{error}{code} // '' }

subtest 'status' => sub {
	$r->run_job('disk-space', wait => $true) for 1 .. 7;
	my $answer = $r->api_get('/api/jobs/status');
	is($answer->{status}, 200, 'needs no token on loopback');
	like($answer->{headers}{'content-type'}, qr{^application/json}, 'JSON');
	my $job = $answer->{json}{jobs}{diskSpace};
	is($job->{name}, 'disk-space', 'keys are in camel case');
	is($job->{lastRun}{status}, 'success', 'lastRun');
	is(@{$job->{recentHistory}}, 5, 'five recent rows');
	is($job->{recentHistory}[0]{id}, $job->{lastRun}{id}, 'newest first');
	is(ref $job->{$_}, 'ARRAY', $_) for qw(nextFires running waiting);
	is(ref $job->{breaker}, 'HASH', 'breaker');
	is($answer->{json}{jobs}{slow}{lastRun}, undef, 'no row, null');
	my @keys = qw(id job_name status started_at completed_at duration_ms result
	    error created_at run_id attempt trigger scheduled_at reason exit_code
	    signal node);
	my $text = $answer->{body};
	my ($row) = $text =~ /"lastRun":\s*(\{"id".*?\})/;
	is_deeply([$row =~ /"(\w+)":/g], \@keys, 'a row has its columns in order');
	my $quota = $answer->{json}{quota}{youtube};
	is("$quota->{limit} $quota->{used} $quota->{remaining}", '10000 0 10000',
	    'quota');
	my %bucket = map { $_->{id} => $_ } @{$quota->{buckets}};
	is($bucket{search_list}{limit}, 100, 'search_list');
	ok(exists $quota->{$_}, "quota.$_")
	    for qw(percentage resetAt source asOf stale error);
	my $supervisor = $answer->{json}{supervisor};
	is($supervisor->{pid}, $r->pid, 'supervisor');
	is($supervisor->{jobs}, 14, 'and its jobs');
	unlike($text, qr/"command"|"params"|witness/, 'no definition');
};

subtest 'pages' => sub {
	my ($path, @seen) = ('/api/jobs/status?limit=4&recent=2');
	my $after = '';
	for (1 .. 10) {
		my $json = $r->api_get($path . $after)->{json};
		my @names = map { $_->{name} } values %{$json->{jobs}};
		cmp_ok(@names, '<=', 4, 'no more than asked for');
		push @seen, @names;
		cmp_ok(scalar(@{$_->{recentHistory}}), '<=', 2, 'recent')
		    for $json->{jobs}{diskSpace} // ();
		last unless defined $json->{next};
		$after = "&after=$json->{next}";
	}
	my %seen = map { $_ => 1 } @seen;
	is(scalar(@seen) . ' ' . keys %seen, '14 14', 'each job once');
	is_deeply([sort keys %{$r->api_get(
	    '/api/jobs/status?jobs=echo,slow')->{json}{jobs}}],
	    [qw(echo slow)], 'those asked for');
	for my $bad (qw(limit=0 limit=x limit=-1 recent=6 recent=-1
	    limit=99999999999999999999)) {
		is($r->api_get("/api/jobs/status?$bad")->{status}, 400, $bad);
	}
};

subtest 'history' => sub {
	my $rows = $r->history('disk-space', 3);
	is(@$rows, 3, 'limit');
	my $answer = $r->api_get("/api/jobs/history/disk-space?before=$rows->[2]{id}");
	is($answer->{json}{jobName}, 'disk-space', 'jobName');
	is(@{$answer->{json}{history}}, 4, 'before');
	ok($answer->{json}{history}[0]{id} < $rows->[2]{id}, 'the older ones');
	my $get = sub { return $r->api_get("/api/jobs/history/disk-space?$_[0]") };
	is(@{$get->('status=success&limit=1000')->{json}{history}}, 7, 'status');
	is(@{$get->('status=failure')->{json}{history}}, 0, 'none of that status');
	is(@{$get->('reason=timeout')->{json}{history}}, 0, 'nor reason');
	is(@{$get->('since=2020-01-01T00:00:00Z')->{json}{history}}, 7, 'since');
	is(@{$get->('until=2020-01-01T00:00:00Z')->{json}{history}}, 0, 'until');
	for my $bad (qw(limit=0 limit=x limit=-5 limit=1.5 limit= before=x
	    status=good reason=because since=yesterday until=1)) {
		is($get->($bad)->{status}, 400, $bad);
	}
	is($r->api_get('/api/jobs/history/slow')->{status}, 200, 'no row yet');
	is(code_of($r->api_get('/api/jobs/history/nobody')), 'JOB_NOT_FOUND',
	    'neither job nor row');
	is($r->api_get('/api/jobs/history/' . 'x' x 300)->{status}, 404, 'long');
	is($r->api_get('/api/jobs/history/%2e%2e')->{status}, 404, 'dots');
};

subtest 'who may ask' => sub {
	my $path = '/api/jobs/disk-space';
	my @cases = ([undef, 401, 401], ['', 401, 401], ['wrong', 401, 401],
	    ['seein', 401, 401], ['seeing', 200, 403], ['doing', 200, 202]);
	for my $case (@cases) {
		my ($token, $get, $post) = @$case;
		my $who = defined $token ? "token '$token'" : 'no token';
		my $answer = as($token, 'GET', $path);
		is($answer->{status}, $get, "$who: definition");
		ok($answer->{headers}{'www-authenticate'}, "$who: told how")
		    if $get == 401;
		is(as($token, 'POST', "$path/run", '{}')->{status}, $post,
		    "$who: run");
		is(as($token, 'GET', '/health')->{status}, 200, "$who: health");
		$r->wait_for(sub { !@{$r->api_get('/api/jobs/status')
		    ->{json}{jobs}{diskSpace}{running}} }, 'idle') if $post == 202;
	}
	is(as(undef, 'GET', '/api/jobs/nobody')->{status}, 401, 'no name is told');
	is(as('seeing', 'GET', '/api/jobs/nobody')->{status}, 404, 'to a viewer');
	my $json = as('seeing', 'GET', $path)->{json};
	is($json->{command}, 'true', 'command');
	is_deeply([$json->{schedule}], ['@every 1h'], 'schedule')
	    if !ref $json->{schedule};
	cmp_ok(@{$json->{nextFires}}, '>', 1, 'next fires');
	is($r->unix_request('GET', $path)->{status}, 200, 'socket: definition');
	is(as('doing', 'POST', "$path/run", '{}', Origin => 'http://evil.example')
	    ->{status}, 403, 'a page of another origin');
	is(as('doing', 'POST', "$path/run", '{}',
	    'Sec-Fetch-Site' => 'cross-site')->{status}, 403, 'another site');
	is(as('doing', 'POST', "$path/run", '{}', 'Content-Type' => 'text/plain')
	    ->{status}, 415, 'a form');
	ok(!$r->api_get('/health')->{headers}{'access-control-allow-origin'},
	    'no CORS');
};

subtest 'run' => sub {
	my ($code, $json) = $r->run_job('echo', params => {a => [1, "\x{e9}"]},
	    wait => $true);
	is($code, 200, 'waited for');
	is($json->{status}, 'success', 'its status');
	is($json->{attempts}[0]{run_id}, $json->{runId}, 'its rows');
	is_deeply($json->{attempts}[0]{result}{params}, {a => [1, "\x{e9}"]},
	    'the parameters have arrived');
	is($json->{attempts}[0]{trigger}, 'manual', 'manual');

	($code, $json) = $r->run_job('slow');
	is($code, 202, 'accepted');
	like($json->{runId}, qr/^[0-9a-f-]{36}$/, 'with its name');
	for my $body ({}, {force => $true}, {wait => $true}) {
		($code, $json) = $r->run_job('slow', %$body);
		is("$code $json->{error}{code}", '409 OVERLAP', 'overlap');
	}
	my $rows = $r->history('slow');
	is(@$rows, 3, 'with a row each');
	is("$rows->[0]{status} $rows->[0]{reason} $rows->[0]{trigger} "
	    . $rows->[0]{attempt}, 'skipped overlap manual 0', 'that says why');

	$r->run_job('broken', wait => $true) for 1, 2;
	($code, $json) = $r->run_job('broken', wait => $true);
	is("$code $json->{error}{code}", '409 BREAKER_OPEN', 'breaker');
	my $row = $r->history('broken')->[0];
	is("$row->{status} $row->{reason} $row->{trigger}",
	    'skipped breaker manual', 'with a row');
	ok($r->api_get('/api/jobs/status')->{json}{jobs}{broken}{breaker}{open},
	    'the status says so');
	($code, $json) = $r->run_job('broken', wait => $true, force => $true);
	is("$code $json->{status}", '200 failure', 'force passes');

	for my $bad ('{', '[]', '{"params":1}', '{"force":1}', '{"wait":"yes"}',
	    '{"command":"id"}', '{"wait":true,"wait":true}', '[' x 100,
	    '{"params":{"a":"' . 'x' x 70000 . '"}}') {
		is($r->api_post('/api/jobs/echo/run', $bad)->{status}, 400,
		    'body ' . substr $bad, 0, 30);
	}
	is($r->api_post('/api/jobs/echo/run', 'x' x 200000)->{status}, 413,
	    'too large a body');
	is($r->api_post('/api/jobs/nobody/run', {})->{status}, 404, 'no such job');
};

subtest 'methods and routes' => sub {
	is($r->unix_request('GET', '/api/jobs/echo/run')->{status}, 405, 'GET run');
	is($r->api_post('/api/jobs/status', '')->{status}, 405, 'POST status');
	for my $method (qw(PUT DELETE OPTIONS PATCH TRACE)) {
		is($r->unix_request($method, '/health')->{status}, 405, $method);
	}
	is($r->unix_request('BREW', '/health')->{status}, 501, 'BREW');
	is($r->api_get($_)->{status}, 404, $_) for qw(/ /api /api/jobs/status/x);
	my $get = $r->api_get('/health/live');
	my $head = head_of($r->raw("HEAD /health/live HTTP/1.1\r\nHost: localhost"
	    . "\r\nConnection: close\r\n\r\n"));
	is($head->{status}, 200, 'HEAD');
	is($head->{body}, '', 'has no body');
	is($head->{headers}{'content-length'}, length $get->{body}, 'but its length');
	is($r->api_get($_)->{status}, 200, $_)
	    for qw(/health /health/ready /health/live);
	my $health = $r->api_get('/health')->{json};
	is(ref $health->{$_}, 'HASH', "health: $_") for qw(checks jobs);
};

subtest 'hostile requests' => sub {
	my $host = "Host: localhost\r\n";
	for my $case (
		['GET /health HTTP/1.1', "Host: evil.example\r\n", 421, 'Host'],
		['GET /health HTTP/1.1', '', 400, 'no Host'],
		['GET /health HTTP/1.1', "$host$host", 400, 'two Hosts'],
		['GET /health HTTP/1.1', "Host : localhost\r\n", 400, 'Host :'],
		['GET /health HTTP/1.1', "$host x: folded\r\n", 400, 'folded'],
		['GET /health%00 HTTP/1.1', $host, 400, '%00'],
		['GET /health%zz HTTP/1.1', $host, 400, '%zz'],
		['GET http://evil/health HTTP/1.1', $host, 400, 'absolute'],
		['GET /health HTTP/9.9', $host, 505, 'version'],
		['POST /api/jobs/echo/run HTTP/1.1', $host
		    . "Content-Length: 2\r\nContent-Length: 2\r\n", 400,
		    'two lengths'],
		['POST /api/jobs/echo/run HTTP/1.1', $host
		    . "Transfer-Encoding: chunked\r\n", 411, 'chunked'],
		['POST /api/jobs/echo/run HTTP/1.1', $host
		    . "Content-Length: -1\r\n", 400, 'negative length'],
		['GET /health HTTP/1.1', $host . 'X: ' . 'x' x 20000 . "\r\n",
		    431, 'a huge header'],
		['GET /health HTTP/1.1', $host . "X: y\r\n" x 1000, 431,
		    'many headers'],
		['GET /' . 'x' x 20000 . ' HTTP/1.1', $host, qr/4\d\d/, 'a long path'],
	) {
		my ($line, $headers, $want, $what) = @$case;
		my $answer = head_of($r->raw("$line\r\n$headers\r\n"));
		like($answer->{status}, qr/^$want$/, $what);
	}
	$r->raw("\x16\x03\x01\x02\x00\x01", seconds => 2);
	is($r->api_get('/health')->{status}, 200, 'all is well');
};

subtest 'a client that vanishes' => sub {
	my $body = '{"wait":true}';
	my $socket = IO::Socket::UNIX->new(Peer => $r->socket_path) or die $!;
	syswrite $socket, "POST /api/jobs/short/run HTTP/1.1\r\n"
	    . "Host: localhost\r\nContent-Type: application/json\r\n"
	    . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
	$r->wait_for(sub { @{$r->api_get('/api/jobs/status')
	    ->{json}{jobs}{short}{running}} }, 'the run has begun');
	close $socket;
	my $row = $r->wait_for(sub { $r->history('short')->[0] }, 'it ends');
	is($row->{status}, 'success', 'the run does not care');
};

subtest 'thirty clients' => sub {
	my @clients = map { HTTP::Tiny->new(keep_alive => 1, timeout => 30) } 1 .. 30;
	my ($wrong, $worst) = (0, 0);
	for my $round (1 .. 8) {
		for my $client (@clients) {
			my $began = time;
			my $answer = $client->get('http://' . $r->address
			    . '/api/jobs/status');
			my $took = time - $began;
			$worst = $took if $took > $worst;
			$wrong++ if $answer->{status} != 200;
		}
	}
	is($wrong, 0, 'each is answered');
	cmp_ok($worst, '<', $Reeve::PATIENCE, 'at once');
	@clients = ();
};

# One attempt is still running: two pipes and a pidfd.
$r->finish(fd_slack => 3);
done_testing;
