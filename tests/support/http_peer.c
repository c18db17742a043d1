/* SPDX-License-Identifier: MIT */
#include "http_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

/* The connection that http_peer_free() has to end. */
static void hold_on_to(struct http_peer *p, int fd)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stream.fd = fd;
	if (p->closing && fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&p->lock);
}

static void *serve(void *peer)
{
	struct http_peer *p = peer;

	for (;;) {
		int fd = accept(p->listen_fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		p->connections++;
		hold_on_to(p, fd);
		p->stream.used = 0;
		p->act(p, fd);
		hold_on_to(p, -1);
		(void)close(fd);
	}
}

struct http_peer *http_peer_new(http_peer_act *act, const char *text)
{
	struct http_peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->act = act;
	p->text = text;
	p->listen_fd = raw_listen(&p->port);
	p->stream.fd = -1;
	(void)snprintf(p->url, sizeof(p->url),
		       "http://127.0.0.1:%d/" HTTP_PEER_SECRET "/x", p->port);
	(void)pthread_mutex_init(&p->lock, NULL);
	if (pthread_create(&p->thread, NULL, serve, p) != 0)
		abort();
	return p;
}

void http_peer_free(struct http_peer *p)
{
	if (p == NULL)
		return;
	(void)shutdown(p->listen_fd, SHUT_RDWR);
	(void)pthread_mutex_lock(&p->lock);
	p->closing = true;
	if (p->stream.fd >= 0)
		(void)shutdown(p->stream.fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->listen_fd);
	free(p);
}

bool http_peer_read(struct http_peer *p)
{
	int n = p->requests;

	if (!raw_read(&p->stream, &p->request, true))
		return false;
	if (n < HTTP_PEER_HEADS) {
		(void)snprintf(p->heads[n], sizeof(p->heads[n]), "%.1000s",
			       p->request.head);
		(void)snprintf(p->bodies[n], sizeof(p->bodies[n]), "%.60s",
			       p->request.body);
	}
	p->requests++;
	return true;
}

void http_peer_answers(struct http_peer *p, int fd)
{
	while (http_peer_read(p)) {
		if (!raw_send_text(fd, p->text))
			return;
	}
}

void http_peer_answers_once(struct http_peer *p, int fd)
{
	if (http_peer_read(p))
		(void)raw_send_text(fd, p->text);
}

void http_peer_is_silent(struct http_peer *p, int fd)
{
	char byte;

	if (http_peer_read(p))
		(void)!recv(fd, &byte, 1, 0);
}

struct http_client *http_peer_client(int parallel_max)
{
	const struct http_client_options options = {
		.user_agent = "ordergate-test",
		.parallel_max = parallel_max,
		.connect_timeout_ms = HTTP_PEER_CONNECT_MS,
	};
	struct http_client *client = NULL;
	struct err e = {0};

	if (http_client_new(&options, &client, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return client;
}

struct http_request http_peer_request(const char *method, const char *url)
{
	return (struct http_request){
		.method = method,
		.url = url,
		.body = strcmp(method, "POST") == 0 ? "{\"a\":1}" : NULL,
		.body_bytes = strcmp(method, "POST") == 0 ? 7 : 0,
		.timeout_ms = RAW_WAIT_MS,
		.answer_max_bytes = HTTP_PEER_ANSWER_MAX,
	};
}
