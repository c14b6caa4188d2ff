/*
 * reeve/worker.h - what the supervisor and every worker both see: names, exit
 * codes, messages, limits. Nothing here needs a library.
 */
#ifndef REEVE_WORKER_H
#define REEVE_WORKER_H

/* Environment of an attempt. */
#define REEVE_ENV_JOB	       "REEVE_JOB"
#define REEVE_ENV_RUN_ID       "REEVE_RUN_ID"
#define REEVE_ENV_ATTEMPT      "REEVE_ATTEMPT"
#define REEVE_ENV_ATTEMPT_ID   "REEVE_ATTEMPT_ID"
#define REEVE_ENV_SCHEDULED_AT "REEVE_SCHEDULED_AT"
#define REEVE_ENV_DEADLINE     "REEVE_DEADLINE"
#define REEVE_ENV_CREDENTIALS  "CREDENTIALS_DIRECTORY"

/*
 * Exit codes under protocol "jsonl". Under "exit", 0 is success, 126 and 127
 * are permanent failures, all others transient.
 */
#define REEVE_EXIT_SUCCESS	  0
#define REEVE_EXIT_USAGE	  64 /* 64-74 and 76-78, sysexits(3): permanent */
#define REEVE_EXIT_TRANSIENT	  75 /* EX_TEMPFAIL: try again */
#define REEVE_EXIT_CONFIG	  78 /* EX_CONFIG: permanent */
#define REEVE_EXIT_SKIPPED	  100
#define REEVE_EXIT_NOT_EXECUTABLE 126
#define REEVE_EXIT_NOT_FOUND	  127

/* "type" of a message, one JSON object a line on standard output. */
#define REEVE_MSG_PROGRESS "progress"
#define REEVE_MSG_LOG	   "log"
#define REEVE_MSG_USAGE	   "usage"
#define REEVE_MSG_QUOTA	   "quota"
#define REEVE_MSG_RESULT   "result"
#define REEVE_MSG_SKIP	   "skip"
#define REEVE_MSG_ERROR	   "error"

/* Version of the request on standard input ("v"). */
#define REEVE_REQUEST_VERSION 1

/* Limits, in bytes unless said. */
#define REEVE_MAX_NAME	       50
#define REEVE_MAX_REASON       20
#define REEVE_MAX_NODE	       64
#define REEVE_MAX_MESSAGE_LINE (256 * 1024)
#define REEVE_MAX_RESULT       (256 * 1024)
#define REEVE_MAX_ERROR	       (4 * 1024)
#define REEVE_MAX_PARAMS       (64 * 1024)
#define REEVE_MAX_JSON_DEPTH   32
#define REEVE_MAX_ATTEMPTS     1000
#define REEVE_MAX_JOBS	       200000

#endif
