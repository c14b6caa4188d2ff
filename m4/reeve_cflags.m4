dnl REEVE_CFLAGS(VARIABLE, FLAGS): add to VARIABLE each of FLAGS that the
dnl compiler takes without a word, linking included.
AC_DEFUN([REEVE_CFLAGS], [
m4_foreach_w([reeve_flag], [$2], [
AS_VAR_PUSHDEF([cachevar], [reeve_cv_cflag_]reeve_flag)
AC_CACHE_CHECK([whether $CC takes ]reeve_flag, [cachevar], [
	reeve_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror ]reeve_flag["
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
	    [AS_VAR_SET([cachevar], [yes])], [AS_VAR_SET([cachevar], [no])])
	CFLAGS=$reeve_saved_cflags
])
AS_VAR_IF([cachevar], [yes], [$1="$$1 ]reeve_flag["])
AS_VAR_POPDEF([cachevar])
])])
