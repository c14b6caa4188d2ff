# The chain loader in front of a worker: another user's identity, environment
# file and secrets; what cannot be set up is a failure of reason spawn.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;

plan skip_all => 'needs root' if $> != 0;
my @nobody = getpwnam 'nobody';
plan skip_all => 'needs a user nobody' if !@nobody;
my ($uid, $gid) = @nobody[2, 3];

# What the worker sees, a NAME=VALUE a line, whole once it is there.
my $look = <<'SH';
{
	echo "uid=$(id -ru) $(id -u)"
	echo "gid=$(id -rg) $(id -g)"
	echo "groups=$(id -G)"
	echo "home=$HOME"
	echo "user=$USER $LOGNAME"
	echo "pwd=$(pwd)"
	echo "secret=$(cat "$CREDENTIALS_DIRECTORY/key")"
	echo "modes=$(stat -c %a:%u "$CREDENTIALS_DIRECTORY" \
	    "$CREDENTIALS_DIRECTORY/key" | tr '\n' ' ')"
	echo "plain=$PLAIN"
	echo "quoted=$QUOTED"
	echo "over=$OVER"
	echo "word=$WORD"
	echo "status=$(test -e /proc/self/fd/3 && echo open || echo closed)"
	echo "caps=$(sed -n 's/^CapEff:\t//p' /proc/self/status)"
} > "$1.new" && mv "$1.new" "$1"
SH

sub looks {
	my ($name, %more) = @_;
	return {name => $name, schedule => '@every 1h',
	    retry => {maxAttempts => 1}, command =>
		['/bin/sh', '-c', $look, 'look', "\@DIR\@/evidence/$name"],
	    secrets => {key => {file => '@DIR@/key'}}, %more};
}

sub job {
	my ($name, @rest) = @_;
	return {name => $name, schedule => '@every 1h',
	    retry => {maxAttempts => 1}, command => ['/bin/true'], @rest};
}

my $r = Reeve->new(
	files => {
		key => "s3cret\n",
		'job.env' => "# a comment\n; another\n\nPLAIN=a b \n"
		    . "QUOTED=\"x  # y\\\"z \"\nOVER=file\nWORD=it's \"so\"\n",
		'broken.env' => "GOOD=1\nno assignment\n",
		'noexec' => "#!/bin/sh\n",
	},
	jobs => [
		looks('as-nobody', user => 'nobody', envFile => '@DIR@/job.env',
		    env => {OVER => 'job'}),
		looks('by-number', user => "$uid", cwd => '/usr',
		    env => {HOME => '/var'}),
		looks('group-alone', group => "$gid"),
		job('no-user', user => 'no-such-user-here'),
		job('no-group', group => 'no-such-group-here'),
		job('no-env', envFile => '@DIR@/missing.env'),
		job('bad-env', envFile => '@DIR@/broken.env'),
		job('no-cwd', user => 'nobody', cwd => '/no/such/directory'),
		job('closed-cwd', user => 'nobody', cwd => '@DIR@/state'),
		job('no-program', user => 'nobody', command => ['/no/program']),
		job('not-executable', user => 'nobody',
		    command => ['@DIR@/noexec']),
		job('says-127', user => 'nobody',
		    command => ['/bin/sh', '-c', 'exit 127']),
		job('slow', user => 'nobody', timeout => '1s', killAfter => '1s',
		    command => ['/bin/sh', '-c',
			'trap "" TERM; sleep 600 & while :; do wait; done']),
	],
);
# Another user passes to the worker's files, and may write evidence.
chmod 0711, $r->dir, $r->path('run') or die "chmod: $!\n";
chmod 01777, $r->path('evidence') or die "chmod: $!\n";
$r->start;

# Runs a job to its end: the row.
sub row_of {
	my ($name) = @_;
	my ($code) = $r->run_job($name);
	is($code, 202, "$name is admitted");
	return $r->wait_for(sub { $r->history($name)->[0] }, "$name has ended");
}

sub seen {
	my ($name) = @_;
	my $row = row_of($name);
	is($row->{status}, 'success', "$name succeeds")
	    or diag($row->{error} // '');
	return map { /^(\w+)=(.*)$/ ? ($1 => $2) : () }
	    split /\n/, Reeve::slurp($r->evidence_path($name));
}

subtest 'another user' => sub {
	my %saw = seen('as-nobody');
	is($saw{uid}, "$uid $uid", 'user, real and effective');
	is($saw{gid}, "$gid $gid", 'group, real and effective');
	unlike(" $saw{groups} ", qr/ 0 /, 'not in the group of root');
	like($saw{caps}, qr/^0+$/, 'no capability is left');
	is($saw{home}, $nobody[7], 'HOME of the password entry');
	is($saw{user}, 'nobody nobody', 'USER and LOGNAME');
	is($saw{pwd}, -d $nobody[7] ? $nobody[7] : '/', 'home, or /');
	is($saw{secret}, 's3cret', 'its secret can be read');
	is($saw{modes}, "500:$uid 400:$uid ", 'by nobody else');
	is($saw{plain}, 'a b', 'a value of the file, trimmed');
	is($saw{quoted}, 'x  # y"z ', 'a quoted value');
	is($saw{word}, 'it\'s "so"', 'quotes within a word are its own');
	is($saw{over}, 'file', 'the file overrides');
	is($saw{status}, 'closed', 'the report is not inherited');
};

subtest 'numbers, a directory, a variable of its own' => sub {
	my %saw = seen('by-number');
	is($saw{uid}, "$uid $uid", 'user by number');
	is($saw{pwd}, '/usr', 'cwd');
	is($saw{home}, '/var', 'HOME of the job stays');
	is($saw{user}, 'nobody nobody', 'the others are the user\'s');
};

subtest 'a group alone' => sub {
	my %saw = seen('group-alone');
	is($saw{uid}, '0 0', 'still ourselves');
	is($saw{gid}, "$gid $gid", 'of the group');
	is($saw{groups}, $gid, 'and of no other');
};

subtest 'what cannot be set up' => sub {
	my %words = (
		'no-user' => qr/\buser\b/,
		'no-group' => qr/\bgroup\b/,
		'no-env' => qr/environment file: No such file/,
		'bad-env' => qr/environment file: Invalid argument/,
		'no-cwd' => qr/chdir: No such file/,
		'closed-cwd' => qr/chdir: Permission denied/,
		'no-program' => qr/exec: No such file/,
		'not-executable' => qr/exec: Permission denied/,
	);
	for my $name (sort keys %words) {
		my $row = row_of($name);
		is("$row->{status} $row->{reason}", 'failure spawn', $name);
		is($row->{exit_code}, undef, 'there was no worker to exit');
		like($row->{error}, $words{$name}, 'the step is named');
	}
};

subtest 'a worker that exits with 127' => sub {
	my $row = row_of('says-127');
	is("$row->{status} $row->{reason}", 'failure exit', 'is no spawn failure');
	is($row->{exit_code}, 127, 'but its own word');
};

subtest 'timeout' => sub {
	my $row = row_of('slow');
	is("$row->{status} $row->{reason}", 'failure timeout', 'in time');
	is(join(' ', grep { /sleep 600/ } map { $_->[1] } $r->processes), '',
	    'all of it is gone');
};

$r->finish;
done_testing;
