# CSource.pm - C files as the checks see them: without comments, and with
# string contents blanked, every line still at its number.
package CSource;
use strict;
use warnings;
use File::Find qw(find);

# The C files under the given folders (of the current directory), sorted.
sub files {
	my ($pattern, @under) = @_;
	my @found;
	find({no_chdir => 1, wanted => sub {
		push @found, $_ if -f $_ && /$pattern/;
	}}, grep { -e $_ } @under);
	return sort @found;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<', $path or die "$path: $!\n";
	local $/;
	my $text = <$fh>;
	return $text // '';
}

# Blank comments, and with `strings` what stands between quotes.
sub bare {
	my ($text, %opt) = @_;
	$text =~ s{
		(/\*.*?\*/) | (//[^\n]*) |
		("(?:[^"\\\n]|\\.)*") | ('(?:[^'\\\n]|\\.)*')
	}{
		my ($block, $line, $str, $chr) = ($1, $2, $3, $4);
		defined $block ? ($block =~ s/[^\n]/ /gr)
		    : defined $line ? ''
		    : defined $str
		        ? ($opt{strings} ? '"' . ' ' x (length($str) - 2) . '"'
		            : $str)
		    : $chr;
	}gsex;
	return $text;
}

# Lines of a file without comments, first at index 1.
sub lines {
	my ($path, %opt) = @_;
	return ('', split /\n/, bare(slurp($path), %opt), -1);
}

1;
