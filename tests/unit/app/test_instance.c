/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/instance.h"
#include "base/err.h"
#include "temp_folder.h"

static struct temp_folder folder;

static int setup(void **state)
{
	(void)state;
	return temp_folder_make(&folder);
}

static int teardown(void **state)
{
	(void)state;
	temp_folder_remove(&folder);
	return 0;
}

static struct instance open_first(void)
{
	struct instance in;
	struct err e = {0};

	if (instance_open(folder.path, "processor", 1, &in, &e) != 0)
		fail_msg("%s", e.text);
	return in;
}

static void a_second_one_is_refused_with_the_pid_of_the_first(void **state)
{
	struct instance in = open_first();
	struct instance second;
	struct err e = {0};
	char pid[32];

	(void)state;
	assert_string_equal(in.name, "processor-1");
	assert_int_equal(strncmp(in.owner, "processor-1@", 12), 0);
	assert_int_equal(
		instance_open(folder.path, "processor", 1, &second, &e),
		ERR_BUSY);
	(void)snprintf(pid, sizeof(pid), "(pid %d)", getpid());
	assert_non_null(strstr(e.text, "processor-1 is already running"));
	assert_non_null(strstr(e.text, pid));
	assert_int_equal(
		instance_open(folder.path, "processor", 2, &second, &e), 0);
	assert_true(instance_is_running(folder.path, "processor", 2));
	instance_close(&second);
	instance_close(&in);
}

static void each_start_is_a_new_owner(void **state)
{
	struct instance first = open_first();
	struct instance second;

	(void)state;
	instance_close(&first);
	second = open_first();
	assert_string_not_equal(first.owner, second.owner);
	assert_int_equal(instance_life(folder.path, first.owner),
			 INSTANCE_DEAD);
	assert_int_equal(instance_life(folder.path, second.owner),
			 INSTANCE_ALIVE);
	instance_close(&second);
	instance_close(&second); /* twice does no harm */
	assert_int_equal(instance_life(folder.path, second.owner),
			 INSTANCE_DEAD);
}

static void owners_of_other_places_are_elsewhere(void **state)
{
	struct temp_folder other;
	struct instance in = open_first();
	struct instance far;
	static const char *const strange[] = {
		"",
		"processor-1",
		"processor-1@",
		"processor-1@12345678",
		"processor-1@1234567:x",
		"processor-1:0192e4a8-0000-7000-8000-000000000000",
		"../../etc/passwd@12345678:x",
		"@12345678:x",
	};

	(void)state;
	assert_int_equal(temp_folder_make(&other), 0);
	assert_int_equal(instance_open(other.path, "processor", 1, &far, NULL),
			 0);
	/* Same name, and here it is alive: still not ours to judge. */
	assert_int_equal(instance_life(folder.path, far.owner),
			 INSTANCE_ELSEWHERE);
	for (size_t i = 0; i < COUNT_OF(strange); i++)
		if (instance_life(folder.path, strange[i]) !=
		    INSTANCE_ELSEWHERE)
			fail_msg("row %zu '%s'", i, strange[i]);
	instance_close(&far);
	temp_folder_remove(&other);
	instance_close(&in);
}

static void an_owner_without_lock_file_is_elsewhere(void **state)
{
	struct instance in = open_first();
	char path[TEMP_PATH_BYTES];

	(void)state;
	instance_close(&in);
	assert_int_equal(unlink(temp_path(&folder, "processor-1.lock", path)),
			 0);
	assert_int_equal(instance_life(folder.path, in.owner),
			 INSTANCE_ELSEWHERE);
	assert_false(instance_is_running(folder.path, "processor", 1));
}

/* Send the owner through the pipe, then hold the lock until killed. */
static void live_in_child(int pipe_fd)
{
	struct instance in;

	if (instance_open(folder.path, "notifier", 7, &in, NULL) != 0 ||
	    write(pipe_fd, in.owner, sizeof(in.owner)) !=
		    (ssize_t)sizeof(in.owner))
		_exit(1);
	for (;;)
		(void)pause();
}

static void a_killed_process_is_dead_at_once(void **state)
{
	char owner[INSTANCE_OWNER_BYTES];
	int fds[2];
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	child = fork();
	if (child == 0)
		live_in_child(fds[1]);
	assert_int_equal(read(fds[0], owner, sizeof(owner)), sizeof(owner));
	assert_int_equal(instance_life(folder.path, owner), INSTANCE_ALIVE);
	assert_true(instance_is_running(folder.path, "notifier", 7));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(instance_life(folder.path, owner), INSTANCE_DEAD);
	assert_false(instance_is_running(folder.path, "notifier", 7));
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static atomic_bool looking;

/* As instance_life() does it, but for longer. */
static void *look(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	looking = true;
	(void)poll(NULL, 0, 50);
	(void)close(fd);
	return NULL;
}

static void a_start_waits_for_those_who_look(void **state)
{
	struct instance in = open_first();
	char path[TEMP_PATH_BYTES];
	struct err e = {0};
	pthread_t thread;

	(void)state;
	instance_close(&in);
	looking = false;
	assert_int_equal(
		pthread_create(&thread, NULL, look,
			       (void *)(uintptr_t)temp_path(
				       &folder, "processor-1.lock", path)),
		0);
	while (!looking)
		(void)poll(NULL, 0, 1);
	if (instance_open(folder.path, "processor", 1, &in, &e) != 0)
		fail_msg("%s", e.text);
	instance_close(&in);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_half_written_lock_file_is_a_new_owner(void **state)
{
	struct instance in = open_first();

	(void)state;
	assert_int_equal(ftruncate(in.lock_fd, 5), 0);
	assert_int_equal(instance_life(folder.path, in.owner), INSTANCE_DEAD);
	instance_close(&in);
}

static void the_lock_is_not_inherited(void **state)
{
	struct instance in = open_first();

	(void)state;
	assert_true((fcntl(in.lock_fd, F_GETFD) & FD_CLOEXEC) != 0);
	instance_close(&in);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(a_second_one_is_refused_with_the_pid_of_the_first),
		FOLDER_TEST(each_start_is_a_new_owner),
		FOLDER_TEST(owners_of_other_places_are_elsewhere),
		FOLDER_TEST(an_owner_without_lock_file_is_elsewhere),
		FOLDER_TEST(a_killed_process_is_dead_at_once),
		FOLDER_TEST(a_start_waits_for_those_who_look),
		FOLDER_TEST(a_half_written_lock_file_is_a_new_owner),
		FOLDER_TEST(the_lock_is_not_inherited),
	};

	return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
