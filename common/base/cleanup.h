/* SPDX-License-Identifier: MIT
 *
 * cleanup.h - release of local resources at the end of their scope.
 *
 * A local that owns something is declared with CLEANUP() on the line that
 * makes it and leaves the function through TAKE() when ownership moves on.
 * There are no `goto fail` ladders beside it.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Define `function##p(T *)`, the form the attribute calls. The function takes
 * NULL, as free(3) does. */
#define CLEANUP_DEFINE(T, function)                       \
	static inline void function##p(T *p) /* NOLINT */ \
	{                                                 \
		function(*p);                             \
	}

/* Yield a pointer and leave NULL behind: the cleanup then does nothing. */
#define TAKE(pointer)                                   \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}
#define CLEANUP_FREE CLEANUP(cleanup_free)

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define CLEANUP_FD CLEANUP(cleanup_fd)

/* The same for descriptors: yield fd and leave -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
