/* SPDX-License-Identifier: MIT
 *
 * preload.h - what libraries for LD_PRELOAD share: the functions that they
 * stand before, and the file by which a test steers them.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The function that the program would have called. */
#define REAL(name)                                                          \
	__extension__({                                                     \
		static __typeof__(&name) real_;                             \
		if (real_ == NULL)                                          \
			real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		real_;                                                      \
	})

/* The file that the variable of the environment names, shared with all who map
 * it; NULL without one. Mapped for good. */
static inline void *preload_map(const char *variable, size_t bytes,
				int protection)
{
	const char *path = getenv(variable);
	int access = (protection & PROT_WRITE) != 0 ? O_RDWR : O_RDONLY;
	int fd = path != NULL ? open(path, access | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return NULL;
	memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
	(void)close(fd);
	return memory != MAP_FAILED ? memory : NULL;
}

#endif
