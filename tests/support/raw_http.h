/* SPDX-License-Identifier: MIT
 *
 * raw_http.h - HTTP peers for tests, written on bare sockets, so that a test
 * decides every byte and every moment. Reading gives up after 10 s. A failure
 * of the means (socket, thread) ends the test program.
 */
#ifndef SUPPORT_RAW_HTTP_H
#define SUPPORT_RAW_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum {
	RAW_BYTES = 64 * 1024,
	RAW_WAIT_MS = 10000
};

/* A folder of this run under $TMPDIR, and its removal with the plain files and
 * sockets in it. */
char *raw_folder_new(void);
void raw_folder_free(char *folder);

int raw_connect_unix(const char *path); /* -1 when nobody listens */
int raw_connect_tcp(int port);
/* Listen on 127.0.0.1, at a free port. */
int raw_listen(int *ret_port);

/* False when the peer is gone. */
bool raw_send(int fd, const void *data, size_t bytes);
bool raw_send_text(int fd, const char *text);

/* True when something can be read within wait_ms: bytes or the end. */
bool raw_readable(int fd, int wait_ms);

/* One HTTP message from a stream of them. */
struct raw_message {
	char head[4096]; /* first line and headers, lines end with \n */
	int status;      /* of an answer, else 0 */
	size_t body_bytes;
	char body[RAW_BYTES];
};

/* Bytes that came after the last message. */
struct raw_stream {
	int fd;
	size_t used;
	char data[2 * RAW_BYTES];
};

/* Read the next message with its Content-Length body (has_body: false for the
 * answer to a HEAD). False when the stream ended first. */
bool raw_read(struct raw_stream *stream, struct raw_message *ret,
	      bool has_body);

/* Look every millisecond, for at most RAW_WAIT_MS. */
bool raw_wait_for(bool (*is_true)(void *context), void *context);

#endif
