# Reading a configuration: every mistake of it at once, each with its place;
# secrets are never printed; what is printed can be read again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use Reeve;
use Test::More;

# A Reeve that never starts: only reeved -t and --dump-config.
my $r = Reeve->new;

sub check {
	my ($text, @args) = @_;
	$r->write_config(text => $text);
	my ($code, $out, $err) = $r->run_once(@args ? @args : '-t');
	return ($code, $err, $out);
}

subtest 'many mistakes at once' => sub {
	my ($code, $err) = check(<<'END');
{ // a comment is none
  "timezone": "Mars/Olympus",
  "shutdownGrace": 5,
  "log": {"level": "loud"},
  "apii": {},
  "jobs": [
    {"name": "good", "schedule": "@hourly", "command": "true"},
    {"name": "b", "shedule": "@hourly", "command": "true"},
    {"name": "c", "schedule": "61 * * * *", "command": "true"},
    {"name": "good", "schedule": "@hourly", "command": "true"},
    {"name": "d", "command": "true", "retry": {"delay": "soon", "maxAttempts": 0}},
    {"name": "Bad Name", "command": "true"},
    {"name": "e", "timezone": "Europe/Atlantis", "command": "true"},
    {"schedule": "@hourly"},
    {"name": "f", "command": "true", "timeout": "1h", "timeout": "2h"},
    {"name": "x-y", "command": "true"}, {"name": "x.y", "command": "true"}
  ]
}
END
	is($code, 78, 'exit 78');
	my $file = quotemeta $r->config_path;
	my @lines = split /\n/, $err;
	unlike($_, qr/(?<!\d)0:|:0:/, 'line and column count from 1') for $lines[0];
	is((grep { !/^$file:\d+:\d+: ./ } @lines), 0, 'each has its place')
	    or diag($err);
	for my $want (
		['2:15: timezone: .*"Mars/Olympus"', 'an unknown zone'],
		['3:20: shutdownGrace: .*duration', 'a wrong type'],
		['4:20: log\.level: .*"debug", "info"', 'a word that is none'],
		['5:\d+: .*"apii"; did you mean "api"', 'an unknown key'],
		['8:19: jobs\[1\]: .*"shedule"; did you mean "schedule"', 'one of a job'],
		['9:32: jobs\[2\]\.schedule: minute: 61', 'a bad schedule'],
		['10:14: jobs\[3\]\.name: .*(?:is taken by .*:7)', 'a job twice'],
		['11:\d+: jobs\[4\]\.retry\.delay: ', 'deep within'],
		['11:\d+: jobs\[4\]\.retry\.maxAttempts: .*1 and 1000', 'a range'],
		['12:14: jobs\[5\]\.name: ', 'a bad name'],
		['13:\d+: jobs\[6\]\.timezone: .*Atlantis', 'the zone of a job'],
		['14:5: jobs\[7\]: .*"name" is missing', 'a name is needed'],
		['14:5: jobs\[7\]: .*"command" is missing', 'and a command'],
		['15:\d+: jobs\[8\]: duplicate key "timeout"', 'a key twice'],
		['16:\d+: jobs\[10\]\.?\w*: ', 'names that collide in camel case'],
	) {
		my ($pattern, $what) = @$want;
		is((grep { /^$file:$pattern/ } @lines), 1, $what) or diag($err);
	}
	is(@lines, 15, 'and nothing else') or diag($err);
};

subtest 'syntax' => sub {
	my $file = quotemeta $r->config_path;
	for my $case (
		["{\n  \"jobs\": [\n    {\"name\": \"a\", \"command\": \"true\",}\n  ]\n}\n",
		    qr/^$file:3:36: .*trailing comma/m, 'a trailing comma'],
		["{\n  \"jobs\": [1,]\n}\n", qr/^$file:2:13: .*trailing comma/m,
		    'one in an array'],
		["{\n  \"jobs\": [\n", qr/^$file:\d+:\d+: /m, 'half a file'],
		["[]\n", qr/^$file:1:1: /m, 'no object'],
		["", qr/^$file:1:1: /m, 'nothing'],
		["{\"log\": {\"level\": \"a\0b\"}}\n", qr/^$file:1:\d+: /m, 'a NUL'],
		["{\"log\": {\"level\": \"\\ud800\"}}\n", qr/^$file:1:\d+: /m,
		    'half a character'],
		['{"jobs": ' . '[' x 200 . ']' x 200 . "}\n",
		    qr/^$file:1:\d+: .*(?:deep|nest|depth|levels)/m, 'too deep'],
	) {
		my ($text, $want, $what) = @$case;
		my ($code, $err) = check($text);
		is($code, 78, "$what: exit 78");
		like($err, $want, "$what: told");
	}
	my ($code, $err) = check("{\"jobs\": [{\"name\": \"a\\u001b[31m\\n\",\n"
	    . "\"command\": \"x\"}]}\n");
	is($code, 78, 'a hostile name');
	unlike($err, qr/[^\n\x20-\x7e]/, 'is not printed as it is');
};

subtest 'jobs.d' => sub {
	$r->write_file('jobs.d/one.json', "\n{\"name\": \"one\", \"comand\": \"x\"}\n");
	$r->write_file('jobs.d/two.json', '[{"name": "a", "command": "x"}]');
	my ($code, $err) = check('{"jobs": [{"name": "a", "command": "y"}]}');
	is($code, 78, 'a mistake in one of its files');
	like($err, qr{/jobs\.d/one\.json:2:\d+: .*"comand"; did you mean "command"},
	    'is told with the file');
	like($err, qr{/jobs\.d/two\.json:1:\d+: }, 'a job twice as well');
	unlink $r->path('jobs.d', $_) for qw(one.json two.json);
};

subtest 'what is printed' => sub {
	my $text = Reeve::encode({
		stateDir => $r->path('state'), runDir => $r->path('run'),
		api => {listen => ['unix:reeved.sock'], tokens => [{name => 'ops',
		    role => 'operator', secret => {file => 'token'}}]},
		database => {url => 'postgresql://u:hunter2@h/reeve'},
		defaults => {timeout => '90m'},
		jobs => [{name => 'a', schedule => ['*/5 * * * *', '@every 90s'],
		    timezone => 'Europe/Berlin', command => ['true', "\x{e9}"],
		    secrets => {key => {env => 'KEY'}}}],
	});
	$r->write_file('token', "open sesame\n");
	my ($code, $err, $out) = check($text, '--dump-config');
	is($code, 0, 'a good one is printed');
	unlike($out, qr/hunter2|sesame/, 'without secrets');
	my $dump = eval { Reeve::decode($out) };
	is(ref $dump, 'HASH', 'as JSON');
	is($dump->{jobs}[0]{timeout}, '90m', 'with defaults applied');
	is($dump->{jobs}[0]{retry}{maxAttempts}, 3, 'and those of Reeve');
	my ($again, $words, $second) = check($out, '--dump-config');
	is($again, 0, 'it can be read again') or diag($words);
	is($second, $out, 'and says the same');
	($code, $err) = check($out);
	is($code, 0, '-t takes it');
	like($err, qr/1 jobs?\b/, 'and counts its jobs');
};

subtest 'who may write it' => sub {
	for my $mode (0660, 0602) {
		$r->write_config(text => '{"jobs": []}');
		chmod $mode, $r->config_path;
		my ($code, undef, $err) = $r->run_once('-t');
		is($code, 78, sprintf 'mode %04o is refused', $mode);
		like($err, qr/writable by nobody else/, 'and why');
	}
	unlink $r->config_path;
	my ($code, undef, $err) = $r->run_once('-t');
	is($code, 78, 'no file');
	like($err, qr/No such file/, 'is told');
};

subtest 'the sample' => sub {
	my $sample = "$Reeve::SRCDIR/etc/reeve.json";
	plan skip_all => 'no sample here' unless -e $sample;
	copy($sample, $r->config_path) or die "copy: $!";
	chmod 0600, $r->config_path;
	my ($code, undef, $err) = $r->run_once('-t');
	is($code, 0, 'is good') or diag($err);
	unlike($err, qr/warning/, 'without a warning');
};

$r->finish;
done_testing;
