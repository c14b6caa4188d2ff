# Evidence.pm - what a test worker knows of itself, appended to a file in one
# write and fsync'ed, so that it is there whatever is killed next.
package Evidence;
use strict;
use warnings;
use Fcntl qw(O_WRONLY O_APPEND O_CREAT);
use IO::Handle;
use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_REALTIME);

my $json = JSON::PP->new->utf8->canonical;

sub note {
	my ($file, $event, %more) = @_;
	my %entry = (
		event => $event,
		at => clock_gettime(CLOCK_REALTIME),
		boot => clock_gettime(7), # CLOCK_BOOTTIME
		pid => $$,
		job => $ENV{REEVE_JOB},
		run => $ENV{REEVE_RUN_ID},
		attempt => ($ENV{REEVE_ATTEMPT} // 0) + 0,
		id => $ENV{REEVE_ATTEMPT_ID},
		scheduled => $ENV{REEVE_SCHEDULED_AT},
		%more,
	);
	sysopen my $fh, $file, O_WRONLY | O_APPEND | O_CREAT, 0600
	    or die "$file: $!\n";
	syswrite $fh, $json->encode(\%entry) . "\n" or die "$file: $!\n";
	$fh->sync or die "$file: $!\n";
	close $fh;
}

1;
