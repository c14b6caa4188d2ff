/*
 * tiny.c - the smallest worker: linked statically, it ends at once. What is
 * left of an attempt then is the cost of whoever starts it.
 */
int
main(void)
{
	return 0;
}
