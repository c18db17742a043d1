/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/service/service_private.h"
#include "base/err.h"
#include "base/macros.h"

#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKED true
#elif defined(__has_feature)
#define LEAK_CHECKED __has_feature(address_sanitizer)
#else
#define LEAK_CHECKED false
#endif

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

static volatile sig_atomic_t late_exit_code;

/* Memory holds tokens and personal data. RLIMIT_CORE alone does not stop a
 * core_pattern that is a pipe; a process that is not dumpable has no core at
 * all, nor a readable /proc/PID/mem. LeakSanitizer has to trace the process, so
 * its builds stay dumpable. */
static void forbid_core_dumps(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	if (!LEAK_CHECKED)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void process_harden(void)
{
	const char *supervised = getenv("ORDERGATE_SUPERVISED"); /* NOLINT */

	(void)umask(0027);
	forbid_core_dumps();
	/* Without this, what a killed supervisor had started would stay and
	 * keep the locks that the next one needs. */
	if (supervised != NULL && strcmp(supervised, "1") == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

int process_open_signals(struct process *p, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	/* Blocked signals arrive even when nohup(1) had them ignored. */
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		(void)sigaddset(&set, signals[i]);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->signal_fd < 0)
		return err_errno(e, ERR_IO, "signalfd");
	return 0;
}

void process_take_signals(struct process *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			p->reload_wanted = true;
		else
			p->stopping = true;
	}
}

static void end_now(int number)
{
	static const char text[] = "ordergate: draining took too long, ended; "
				   "nothing acknowledged is lost\n";

	(void)number;
	/* Nobody can do more than this in a signal handler. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(late_exit_code);
	_exit(late_exit_code);
}

void process_limit_drain(int limit_ms, int exit_code)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = limit_ms / 1000,
			     .tv_usec = limit_ms % 1000 * 1000L}};
	struct sigaction action = {.sa_handler = end_now};
	sigset_t set;

	late_exit_code = exit_code;
	(void)sigaction(SIGALRM, &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}
