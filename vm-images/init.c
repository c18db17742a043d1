/* SPDX-License-Identifier: MIT */
/*
 * init - the first program of the image, and all that is in its initrd beside
 * the drivers of disks: loads them, finds the partition that root=PARTUUID=
 * names, mounts it and goes on there. It knows no device manager and starts no
 * other program: each of them would cost as much as all of this.
 *
 * What goes wrong ends it; the kernel panics then and starts the machine again
 * (panic=), which is what counts the tries of a slot down.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_BYTES = 4096,
	GUID_BYTES = 16,
	/* Where they are in the header and in an entry of a GPT (UEFI 2.10,
	 * 5.3.2 and 5.3.3). */
	ENTRIES_AT = 72,
	ENTRY_BYTES_AT = 84,
	ENTRY_GUID_AT = 16,
	LOOK_MS = 20,
	/* A controller may look for its disks for that long. */
	LOOKS_MAX = 120 * 1000 / LOOK_MS
};

#define ROOT_OPTION "root=PARTUUID="
#define NEW_ROOT "/root"

__attribute__((noreturn)) static void fail(const char *what)
{
	(void)fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The first line of a file; false when there is none. */
static bool read_line(const char *path, char *line, size_t line_bytes)
{
	FILE *file = fopen(path, "re");
	bool good;

	if (file == NULL)
		return false;
	good = fgets(line, (int)line_bytes, file) != NULL;
	(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return good;
}

/* The files that /modules names, in the order that their dependencies need.
 * Most find no device; they are gone afterwards, and so is their memory. */
static void load_drivers(void)
{
	FILE *list = fopen("/modules", "re");
	char name[PATH_MAX];

	if (list == NULL)
		fail("/modules");
	while (fgets(name, sizeof(name), list) != NULL) {
		int fd;

		name[strcspn(name, "\n")] = '\0';
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail(name);
		(void)syscall(SYS_finit_module, fd, "", 0);
		(void)close(fd);
		(void)unlink(name);
	}
	(void)fclose(list);
}

/* As it is on a disk: the first three groups are little-endian numbers. */
static bool parse_guid(const char *text, uint8_t guid[GUID_BYTES])
{
	static const int place[GUID_BYTES] = {3, 2, 1,  0,  5,  4,  7,  6,
					      8, 9, 10, 11, 12, 13, 14, 15};

	for (int i = 0; i < GUID_BYTES; i++) {
		char digits[3] = {0};
		char *end;

		if (*text == '-')
			text++;
		memcpy(digits, text, strnlen(text, 2));
		guid[place[i]] = (uint8_t)strtoul(digits, &end, 16);
		if (end != digits + 2)
			return false;
		text += 2;
	}
	return true;
}

static void wanted_root(uint8_t guid[GUID_BYTES])
{
	char line[LINE_BYTES];
	char *at;

	if (!read_line("/proc/cmdline", line, sizeof(line)))
		fail("/proc/cmdline");
	at = strstr(line, ROOT_OPTION);
	errno = EINVAL;
	if (at == NULL || !parse_guid(at + strlen(ROOT_OPTION), guid))
		fail("the command line has no " ROOT_OPTION);
}

/* The GUID of a partition, from its disk's table. */
static bool guid_of(const char *disk, long partition, uint8_t guid[GUID_BYTES])
{
	char path[PATH_MAX];
	char text[32];
	uint8_t header[ENTRY_BYTES_AT + 4];
	uint64_t entries;
	uint32_t entry_bytes;
	long block;
	int fd;
	bool good;

	(void)snprintf(path, sizeof(path),
		       "/sys/block/%s/queue/logical_block_size", disk);
	if (!read_line(path, text, sizeof(text)))
		return false;
	block = strtol(text, NULL, 10);
	(void)snprintf(path, sizeof(path), "/dev/%s", disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = pread(fd, header, sizeof(header), block) == sizeof(header) &&
	       memcmp(header, "EFI PART", 8) == 0;
	if (good) {
		memcpy(&entries, header + ENTRIES_AT, sizeof(entries));
		memcpy(&entry_bytes, header + ENTRY_BYTES_AT,
		       sizeof(entry_bytes));
		good = pread(fd, guid, GUID_BYTES,
			     (off_t)entries * block +
				     (partition - 1) * (off_t)entry_bytes +
				     ENTRY_GUID_AT) == GUID_BYTES;
	}
	(void)close(fd);
	return good;
}

/* Is /sys/class/block/NAME that partition? Its link ends in DISK/NAME. */
static bool is_wanted(const char *name, const uint8_t wanted[GUID_BYTES])
{
	char path[PATH_MAX];
	char link[PATH_MAX];
	char number[32];
	uint8_t guid[GUID_BYTES];
	ssize_t length;
	char *disk;

	(void)snprintf(path, sizeof(path), "/sys/class/block/%s/partition",
		       name);
	if (!read_line(path, number, sizeof(number)))
		return false;
	(void)snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return false;
	link[length] = '\0';
	*strrchr(link, '/') = '\0';
	disk = strrchr(link, '/');
	return disk != NULL &&
	       guid_of(disk + 1, strtol(number, NULL, 10), guid) &&
	       memcmp(guid, wanted, GUID_BYTES) == 0;
}

static bool look(const uint8_t wanted[GUID_BYTES], char *device,
		 size_t device_bytes)
{
	DIR *folder = opendir("/sys/class/block");
	struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL) {
		found = is_wanted(entry->d_name, wanted);
		if (found)
			(void)snprintf(device, device_bytes, "/dev/%s",
				       entry->d_name);
	}
	(void)closedir(folder);
	return found;
}

static void find_root(char *device, size_t device_bytes)
{
	static const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	uint8_t wanted[GUID_BYTES];

	wanted_root(wanted);
	for (int looks = 0; !look(wanted, device, device_bytes); looks++) {
		errno = ENODEV;
		if (looks == LOOKS_MAX)
			fail("there is no disk with the root partition");
		(void)nanosleep(&pause, NULL);
	}
}

static void move_to_root(void)
{
	static const char *const mounts[] = {"/dev", "/proc", "/sys"};
	char to[PATH_MAX];

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		(void)snprintf(to, sizeof(to), NEW_ROOT "%s", mounts[i]);
		if (mount(mounts[i], to, NULL, MS_MOVE, NULL) < 0)
			fail(to);
	}
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		fail("the root file system");
}

int main(int argc, char **argv)
{
	char device[PATH_MAX];

	(void)argc;
	if (mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=755") < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0 ||
	    mount("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		fail("/dev, /proc, /sys");
	load_drivers();
	find_root(device, sizeof(device));
	if (mount(device, NEW_ROOT, "squashfs", MS_RDONLY, NULL) < 0)
		fail(device);
	move_to_root();
	(void)execv("/sbin/init", argv);
	fail("/sbin/init");
}
