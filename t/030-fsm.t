# The state table of a run, as reeved prints it, is the one that is kept as
# text and shown in the manual. After a change of the table that is meant:
# reeved --dump-fsm > t/fsm.golden
use strict;
use warnings;
use FindBin;
use Test::More;

my $reeved = ($ENV{REEVE_BUILDDIR} // "$FindBin::Bin/..") . '/reeved';
open my $golden, '<', "$FindBin::Bin/fsm.golden" or die "fsm.golden: $!";
open my $out, '-|', $reeved, '--dump-fsm' or die "$reeved: $!";
is_deeply [<$out>], [<$golden>], 'reeved --dump-fsm';
ok close $out, 'exits with success';
done_testing;
