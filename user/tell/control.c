// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/control.h"

#include <errno.h>
#include <grp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/queue.h"
#include "base/thread.h"
#include "base/util.h"
#include "base/version.h"
#include "base/yaml.h"
#include "tell/record.h"
#include "tell/redact.h"
#include "tell/snapshot.h"

#define CLIENTS		16
#define CLIENTS_A_USER	4
#define REQUEST_MAX	4096
#define MESSAGE_MAX	(64 * 1024)
#define EVENTS_DEPTH	16
#define IDLE_MS		5000	      /* chosen: since the connection or its last request */
#define STOP_TIMEOUT_NS 1000000000ULL /* by choice: a service that is asked to stop should stop */

/* Between two snapshots: the least that a reader can ask for, and the default. */
#define INTERVAL_LEAST_MS   100
#define INTERVAL_DEFAULT_MS 1000

#define SERVICE	  "org.varlink.service"
#define INTERFACE "io.fastoom"

const char control_interface[] =
	"# What fastoom-bpf sees and does. No method changes anything.\n"
	"interface io.fastoom\n"
	"\n"
	"# The daemon, and the scopes that it watches now: those that reclaim memory.\n"
	"# docs/status.schema.json describes the object.\n"
	"method GetStatus() -> (status: object)\n"
	"\n"
	"# Call with \"more\". Replies with each snapshot (at once, then at most one in interval_ms,\n"
	"# default 1000, while a scope reclaims memory) and with each record that is written\n"
	"# (docs/record.schema.json). Both are on by default.\n"
	"method Watch(snapshots: ?bool, events: ?bool, interval_ms: ?int) ->\n"
	"  (snapshot: ?object, event: ?object)\n";

static const char service_interface[] =
	"interface org.varlink.service\n"
	"\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string,\n"
	"  interfaces: []string)\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error ExpectedMore ()\n";

struct client {
	int fd; /* -1: a free slot */
	uid_t uid;
	bool stranger;	   /* may not see the names of other users' processes */
	uint64_t since_ms; /* when it connected, or made its last request */
	bool snapshots;
	bool events;
	bool subscribed;
	bool waits_for_room; /* EPOLLOUT is set */
	uint64_t interval_ms;
	uint64_t sent_ms; /* the last snapshot */
	size_t in_len;
	size_t out_len;
	char in[REQUEST_MAX];
	char out[MESSAGE_MAX];
};

struct control {
	pthread_t thread;
	int listen_fd;
	int epoll_fd;
	int kick_fd;
	int settled_fd; /* readable: @settled is new */
	char path[108];
	atomic_bool stop;
	atomic_int watchers;  /* of snapshots */
	atomic_int listeners; /* of events */
	atomic_ullong readers, served, refused, dropped, events_lost;

	/*
	 * A triple buffer: the daemon fills one snapshot, the server reads one, and they exchange
	 * the third, which has a mark that it is new. Neither waits for the other.
	 */
	struct snapshot *snapshots;
	unsigned back;	    /* the daemon fills it */
	unsigned front;	    /* the server reads it */
	atomic_uint middle; /* its index, and FRESH */
	struct queue events;

	/* one name and one outcome at most: a new one replaces the one that waits */
	_Atomic(struct control_readers *) wanted;
	_Atomic(struct control_readers *) settled;
	/* the control thread's, once that runs */
	bool root_only;
	bool everyone; /* no group is required */

	struct client clients[CLIENTS];
	char text[MESSAGE_MAX];	    /* the message that is composed */
	char redacted[MESSAGE_MAX]; /* the same for a stranger */
};

#define FRESH 4u

static uint64_t now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* ---- readers ------------------------------------------------------------------ */

static void client_end(struct control *control, struct client *client)
{
	if (client->subscribed && client->snapshots)
		atomic_fetch_sub(&control->watchers, 1);
	if (client->subscribed && client->events)
		atomic_fetch_sub(&control->listeners, 1);
	close(client->fd);
	client->fd = -1;
	atomic_fetch_sub(&control->readers, 1);
}

static void client_drop(struct control *control, struct client *client)
{
	atomic_fetch_add(&control->dropped, 1);
	client_end(control, client);
}

/* Waits for room in the socket, if there is something to send. */
static void client_wait(struct control *control, struct client *client)
{
	bool wait = client->out_len > 0;
	struct epoll_event event = {.events = EPOLLIN | (wait ? EPOLLOUT : 0), .data.ptr = client};

	if (wait == client->waits_for_room)
		return;
	client->waits_for_room = wait;
	(void)epoll_ctl(control->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

/* False: the reader has closed the connection. */
static bool client_flush(struct control *control, struct client *client)
{
	while (client->out_len) {
		ssize_t n =
			send(client->fd, client->out, client->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_end(control, client);
			return false;
		}
		client->out_len -= (size_t)n;
		memmove(client->out, client->out + n, client->out_len);
	}
	client_wait(control, client);
	return true;
}

/* Whether it is connected without a subscription, and made no request for IDLE_MS. */
static bool client_is_idle(const struct client *client, uint64_t now)
{
	return client->fd >= 0 && !client->subscribed && now - client->since_ms >= IDLE_MS;
}

/* Appends the message and its NUL to what waits; -ENOSPC: nothing is appended. */
static int client_put(struct client *client, const char *text, size_t len)
{
	if (client->out_len + len + 1 > sizeof(client->out))
		return -ENOSPC;
	memcpy(client->out + client->out_len, text, len);
	client->out[client->out_len + len] = '\0';
	client->out_len += len + 1;
	return 0;
}

/* The same of @control's text, in which there are processes. */
static int client_put_processes(struct control *control, struct client *client, size_t len)
{
	int err;

	if (!client->stranger)
		return client_put(client, control->text, len);
	err = redact(control->text, len, client->uid, control->redacted, sizeof(control->redacted),
		     &len);
	return err ? err : client_put(client, control->redacted, len);
}

/* ---- replies -------------------------------------------------------------------- */

static int reply_error(struct control *control, struct client *client, const char *error,
		       const char *key, const char *value)
{
	struct json json;
	size_t len;

	json_begin(&json, control->text, sizeof(control->text));
	json_text(&json, "error", error);
	json_open_map(&json, "parameters");
	if (key)
		json_text(&json, key, value);
	json_close_map(&json);
	return json_end(&json, &len) ? -ENOSPC : client_put(client, control->text, len);
}

static int reply_info(struct control *control, struct client *client)
{
	struct json json;
	size_t len;

	json_begin(&json, control->text, sizeof(control->text));
	json_open_map(&json, "parameters");
	json_text(&json, "vendor", "fastoom");
	json_text(&json, "product", "fastoom-bpf");
	json_text(&json, "version", FASTOOM_VERSION);
	json_text(&json, "url", "");
	json_open_list(&json, "interfaces");
	json_text(&json, NULL, SERVICE);
	json_text(&json, NULL, INTERFACE);
	json_close_list(&json);
	json_close_map(&json);
	return json_end(&json, &len) ? -ENOSPC : client_put(client, control->text, len);
}

static int reply_description(struct control *control, struct client *client, const char *interface)
{
	const char *text = !interface			   ? NULL
			   : !strcmp(interface, INTERFACE) ? control_interface
			   : !strcmp(interface, SERVICE)   ? service_interface
							   : NULL;
	struct json json;
	size_t len;

	if (!interface)
		return reply_error(control, client, SERVICE ".InvalidParameter", "parameter",
				   "interface");
	if (!text)
		return reply_error(control, client, SERVICE ".InterfaceNotFound", "interface",
				   interface);
	json_begin(&json, control->text, sizeof(control->text));
	json_open_map(&json, "parameters");
	json_text(&json, "description", text);
	json_close_map(&json);
	return json_end(&json, &len) ? -ENOSPC : client_put(client, control->text, len);
}

/* Composes {"parameters":{"KEY":SNAPSHOT}TAIL} in control->text. */
static int put_snapshot(struct control *control, const char *key, const char *tail, size_t *ret_len)
{
	const size_t tail_len = strlen(tail);
	size_t head = (size_t)snprintf(control->text, sizeof(control->text),
				       "{\"parameters\":{\"%s\":", key);
	size_t len;
	int err;

	/* take the newest snapshot; the one in the middle is then an old one */
	if (atomic_load(&control->middle) & FRESH)
		control->front = atomic_exchange(&control->middle, control->front) & ~FRESH;
	err = snapshot_json(control->text + head, sizeof(control->text) - head - tail_len - 1,
			    &control->snapshots[control->front], &len);
	if (err)
		return err;
	memcpy(control->text + head + len, tail, tail_len + 1);
	*ret_len = head + len + tail_len;
	return 0;
}

static int reply_status(struct control *control, struct client *client)
{
	size_t len;
	int err = put_snapshot(control, "status", "}}", &len);

	return err ? err : client_put_processes(control, client, len);
}

static const char snapshot_tail[] = "},\"continues\":true}";

static const struct ynode *member(const struct ynode *map, const char *key)
{
	if (!map || map->kind != YNODE_MAP)
		return NULL;
	for (const struct ynode *value = map->first; value; value = value->next)
		if (!strcmp(value->key->text, key))
			return value;
	return NULL;
}

static const char *member_text(const struct ynode *map, const char *key)
{
	const struct ynode *value = member(map, key);

	return value && value->kind == YNODE_SCALAR && !value->plain ? value->text : NULL;
}

/* True or false; @preset, if the key is absent. Returns false if it is neither. */
static bool member_bool(const struct ynode *map, const char *key, bool preset, bool *ret)
{
	const struct ynode *value = member(map, key);

	*ret = preset;
	if (!value || (value->plain && !strcmp(value->text, "null")))
		return true;
	if (value->kind != YNODE_SCALAR || !value->plain ||
	    (strcmp(value->text, "true") != 0 && strcmp(value->text, "false") != 0))
		return false;
	*ret = *value->text == 't';
	return true;
}

static int subscribe(struct control *control, struct client *client, const struct ynode *parameters)
{
	const struct ynode *interval = member(parameters, "interval_ms");
	bool snapshots, events;
	size_t len;
	int err;

	if (!member_bool(parameters, "snapshots", true, &snapshots))
		return reply_error(control, client, SERVICE ".InvalidParameter", "parameter",
				   "snapshots");
	if (!member_bool(parameters, "events", true, &events))
		return reply_error(control, client, SERVICE ".InvalidParameter", "parameter",
				   "events");
	client->interval_ms = INTERVAL_DEFAULT_MS;
	if (interval && strcmp(interval->text ? interval->text : "", "null") != 0) {
		char *end = NULL;
		long long ms = interval->kind == YNODE_SCALAR && interval->plain
				       ? strtoll(interval->text, &end, 10)
				       : -1;

		if (ms < INTERVAL_LEAST_MS || ms > 3600000 || *end)
			return reply_error(control, client, SERVICE ".InvalidParameter",
					   "parameter", "interval_ms");
		client->interval_ms = (uint64_t)ms;
	}
	client->subscribed = true;
	client->snapshots = snapshots;
	client->events = events;
	if (events)
		atomic_fetch_add(&control->listeners, 1);
	if (!snapshots)
		return 0;
	atomic_fetch_add(&control->watchers, 1);
	client->sent_ms = now_ms();
	err = put_snapshot(control, "snapshot", snapshot_tail, &len);
	return err ? err : client_put_processes(control, client, len);
}

static void ignore_complaint(unsigned line, unsigned column, const char *msg, void *userdata)
{
	(void)line;
	(void)column;
	(void)msg;
	*(bool *)userdata = true;
}

/* JSON is a subset of YAML: the YAML parser reads it, and has limits of size and depth. */
static int serve(struct control *control, struct client *client, const char *text, size_t len)
{
	const struct ynode *parameters;
	const char *method;
	struct ydoc *doc;
	bool bad = false, more, oneway;
	size_t had = client->out_len;
	int err = ydoc_parse(text, len, ignore_complaint, &bad, &doc);

	if (err)
		return err;
	method = member_text(doc->root, "method");
	parameters = member(doc->root, "parameters");
	if (bad || !method || !member_bool(doc->root, "more", false, &more) ||
	    !member_bool(doc->root, "oneway", false, &oneway))
		err = -EBADMSG;
	else if (!strcmp(method, SERVICE ".GetInfo"))
		err = reply_info(control, client);
	else if (!strcmp(method, SERVICE ".GetInterfaceDescription"))
		err = reply_description(control, client, member_text(parameters, "interface"));
	else if (!strcmp(method, INTERFACE ".GetStatus"))
		err = reply_status(control, client);
	else if (strcmp(method, INTERFACE ".Watch") != 0)
		err = reply_error(control, client, SERVICE ".MethodNotFound", "method", method);
	else if (!more || oneway)
		err = reply_error(control, client, SERVICE ".ExpectedMore", NULL, NULL);
	else
		err = subscribe(control, client, parameters);
	if (oneway)
		client->out_len = had;
	ydoc_free(doc);
	return err;
}

/* ---- the group that may connect ------------------------------------------------ */

/* By choice: about 60,000 members. */
#define GROUP_BYTES_MAX (1024 * 1024)

/* May ask the network and wait for it. */
static int find_group(const char *name, gid_t *ret)
{
	for (size_t size = 4096; size <= GROUP_BYTES_MAX; size *= 2) {
		char *buf = malloc(size);
		struct group group, *found;
		int err;

		if (!buf)
			return -ENOMEM;
		err = getgrnam_r(name, &group, buf, size, &found);
		if (!err && found)
			*ret = found->gr_gid;
		free(buf);
		if (err != ERANGE)
			return found ? 0 : err && err != ESRCH ? -err : -ENOENT;
	}
	return -E2BIG;
}

static int apply_readers(const struct control *control, const char *group)
{
	gid_t gid = getegid();
	int err = *group ? find_group(group, &gid) : 0;

	if (err)
		return err;
	if (chown(control->path, (uid_t)-1, gid) < 0 ||
	    chmod(control->path, *group ? 0660 : 0666) < 0)
		return -errno;
	return 0;
}

static bool accept_client(struct control *control);

static void settle_readers(struct control *control)
{
	struct control_readers *readers = atomic_exchange(&control->wanted, NULL);
	const uint64_t one = 1;

	if (!readers)
		return;
	readers->err = apply_readers(control, readers->group);
	/* connections from before the group was required stay strangers */
	while (!readers->err && accept_client(control))
		;
	if (!readers->err)
		control->everyone = !*readers->group;
	control->root_only &= readers->err != 0;
	readers->root_only = control->root_only;
	free(atomic_exchange(&control->settled, readers));
	/* it fails only after 2^64 writes without a read */
	(void)!write(control->settled_fd, &one, sizeof(one));
}

/* ---- the loop ------------------------------------------------------------------- */

static void client_read(struct control *control, struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len, REQUEST_MAX - client->in_len,
			 MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_end(control, client);
		return;
	}
	client->in_len += (size_t)n;
	/* a subscriber has nothing more to say */
	while (!client->subscribed && (end = memchr(client->in, '\0', client->in_len))) {
		size_t len = (size_t)(end - client->in);

		if (serve(control, client, client->in, len)) {
			client_drop(control, client);
			return;
		}
		client->since_ms = now_ms();
		client->in_len -= len + 1;
		memmove(client->in, end + 1, client->in_len);
	}
	if (client->subscribed)
		client->in_len = 0;
	if (client->in_len == REQUEST_MAX) {
		client_drop(control, client);
		return;
	}
	(void)client_flush(control, client);
}

/* Makes a place for root: drops the reader of another user whose last request is the oldest. */
static struct client *displace(struct control *control)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->uid && (!oldest || client->since_ms < oldest->since_ms))
			oldest = client;
	}
	if (oldest)
		client_drop(control, oldest);
	return oldest;
}

static struct client *find_place(struct control *control, uid_t uid)
{
	struct client *free_one = NULL;
	unsigned same = 0;

	for (size_t i = 0; i < CLIENTS; i++) {
		if (control->clients[i].fd < 0)
			free_one = &control->clients[i];
		else
			same += control->clients[i].uid == uid;
	}
	if (!uid)
		return free_one ? free_one : displace(control);
	return same >= CLIENTS_A_USER ? NULL : free_one;
}

/* False: no connection waits. */
static bool accept_client(struct control *control)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t size = sizeof(cred);
	struct epoll_event event = {.events = EPOLLIN};
	int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0)
		return false;
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	client = find_place(control, cred.uid);
	event.data.ptr = client;
	if (!client || epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		atomic_fetch_add(&control->refused, 1);
		close(fd);
		return true;
	}
	client->fd = fd;
	client->uid = cred.uid;
	client->stranger = control->everyone && cred.uid;
	client->since_ms = now_ms();
	client->subscribed = client->snapshots = client->events = client->waits_for_room = false;
	client->in_len = client->out_len = 0;
	atomic_fetch_add(&control->served, 1);
	atomic_fetch_add(&control->readers, 1);
	return true;
}

static void send_event(struct control *control, const char *line, size_t len)
{
	static const char head[] = "{\"parameters\":{\"event\":";
	const size_t head_len = sizeof(head) - 1, tail_len = sizeof(snapshot_tail) - 1;

	if (head_len + len + tail_len > sizeof(control->text))
		return;
	memcpy(control->text, head, head_len);
	memcpy(control->text + head_len, line, len);
	memcpy(control->text + head_len + len, snapshot_tail, tail_len);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || !client->subscribed || !client->events)
			continue;
		if (client_put_processes(control, client, head_len + len + tail_len))
			client_drop(control, client);
		else
			(void)client_flush(control, client);
	}
}

static void send_snapshots(struct control *control)
{
	uint64_t now = now_ms();
	bool hot = false;
	size_t len = 0;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || !client->subscribed || !client->snapshots)
			continue;
		if (!len && put_snapshot(control, "snapshot", snapshot_tail, &len))
			return;
		hot = control->snapshots[control->front].hot;
		/* ticks jitter; the last snapshot of a hot phase is always sent */
		if (hot && now - client->sent_ms + INTERVAL_LEAST_MS / 2 < client->interval_ms)
			continue;
		/* skip a reader that has not read the previous one */
		if (client->out_len || client_put_processes(control, client, len))
			continue;
		client->sent_ms = now;
		(void)client_flush(control, client);
	}
}

static void on_kick(struct control *control)
{
	uint64_t kicks;
	size_t len;
	char *line;

	if (read(control->kick_fd, &kicks, sizeof(kicks)) < 0)
		return;
	while ((line = queue_try(&control->events, &len))) {
		send_event(control, line, len);
		queue_pop(&control->events);
	}
	if (atomic_load(&control->middle) & FRESH)
		send_snapshots(control);
	settle_readers(control);
}

/* Drops idle clients. Returns the ms until the next one is idle, or -1 if there is none. */
static int end_idle(struct control *control)
{
	uint64_t now = now_ms();
	int wait_ms = -1;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];
		int left_ms;

		if (client_is_idle(client, now))
			client_drop(control, client);
		if (client->fd < 0 || client->subscribed)
			continue;
		left_ms = (int)(client->since_ms + IDLE_MS - now);
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return wait_ms;
}

static void *serve_all(void *context)
{
	struct control *control = context;
	struct epoll_event events[CLIENTS];

	while (!atomic_load(&control->stop)) {
		int n = epoll_wait(control->epoll_fd, events, CLIENTS, end_idle(control));

		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;

			if (events[i].data.ptr == &control->kick_fd) {
				on_kick(control);
			} else if (events[i].data.ptr == &control->listen_fd) {
				(void)accept_client(control);
			} else if (client->fd >= 0) {
				if (events[i].events & EPOLLOUT && !client_flush(control, client))
					continue;
				if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
					client_read(control, client);
			}
		}
	}
	return NULL;
}

/* ---- the daemon's side ------------------------------------------------------------ */

static void kick(struct control *control)
{
	const uint64_t one = 1;

	/* fails only after 2^64 writes without a read */
	if (write(control->kick_fd, &one, sizeof(one)) < 0)
		return;
}

bool control_is_watched(const struct control *control)
{
	return control && atomic_load(&control->watchers) > 0;
}

struct snapshot *control_snapshot(struct control *control)
{
	return &control->snapshots[control->back];
}

void control_publish(struct control *control)
{
	control->back = atomic_exchange(&control->middle, control->back | FRESH) & ~FRESH;
	if (atomic_load(&control->watchers))
		kick(control);
}

void control_event(struct control *control, const char *line, size_t len)
{
	if (!atomic_load(&control->listeners))
		return;
	if (len && line[len - 1] == '\n')
		len--;
	if (queue_push(&control->events, line, len))
		atomic_fetch_add(&control->events_lost, 1);
	else
		kick(control);
}

void control_count(const struct control *control, struct control_counters *ret)
{
	*ret = (struct control_counters){
		.readers = atomic_load(&control->readers),
		.served = atomic_load(&control->served),
		.refused = atomic_load(&control->refused),
		.dropped = atomic_load(&control->dropped),
		.events_lost = atomic_load(&control->events_lost),
	};
}

/* Without the kick. */
static int want_readers(struct control *control, const char *group)
{
	const char *name = group ? group : "";
	struct control_readers *readers = malloc(sizeof(*readers) + strlen(name) + 1);

	if (!readers)
		return -ENOMEM;
	strcpy(readers->group, name);
	free(atomic_exchange(&control->wanted, readers));
	return 0;
}

int control_set_readers(struct control *control, const char *group)
{
	int err = want_readers(control, group);

	if (!err)
		kick(control);
	return err;
}

int control_fd(const struct control *control)
{
	return control ? control->settled_fd : -1;
}

struct control_readers *control_take_readers(struct control *control)
{
	uint64_t count;

	(void)!read(control->settled_fd, &count, sizeof(count));
	return atomic_exchange(&control->settled, NULL);
}

static int open_socket(struct control *control)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", control->path);
	control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listen_fd < 0)
		return -errno;
	/* left behind by a daemon that crashed: the lock is held, so no other one runs */
	(void)unlink(control->path);
	/* root only, until the group is known */
	if (fchmod(control->listen_fd, 0600) < 0 ||
	    bind(control->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(control->listen_fd, CLIENTS) < 0)
		return -errno;
	return 0;
}

static int start_thread(struct control *control)
{
	struct epoll_event event = {.events = EPOLLIN};

	event.data.ptr = &control->kick_fd;
	if (epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->kick_fd, &event) < 0)
		return -errno;
	event.data.ptr = &control->listen_fd;
	if (epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, control->listen_fd, &event) < 0)
		return -errno;
	return thread_start(&control->thread, "fo-control", serve_all, control);
}

static void release(struct control *control)
{
	int *const fds[] = {&control->listen_fd, &control->epoll_fd, &control->kick_fd,
			    &control->settled_fd};

	for (size_t i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			close(control->clients[i].fd);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	queue_done(&control->events);
	free(atomic_load(&control->wanted));
	free(atomic_load(&control->settled));
	free(control->snapshots);
	free(control);
}

int control_open(struct control **ret, const char *path, const char *group)
{
	struct control *control;
	int err = 0;

	if (strlen(path) >= sizeof(control->path))
		return -ENAMETOOLONG;
	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	for (size_t i = 0; i < CLIENTS; i++)
		control->clients[i].fd = -1;
	control->listen_fd = -1;
	control->back = 0;
	control->front = 1;
	atomic_store(&control->middle, 2);
	strcpy(control->path, path);
	control->snapshots = calloc(3, sizeof(*control->snapshots));
	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	control->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control->settled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!control->snapshots)
		err = -ENOMEM;
	else if (control->epoll_fd < 0 || control->kick_fd < 0 || control->settled_fd < 0)
		err = -errno;
	if (!err)
		err = queue_init(&control->events, RECORD_LINE_MAX, EVENTS_DEPTH);
	if (!err)
		err = open_socket(control);
	/* without a group there is nothing to look up */
	if (!err)
		err = group ? want_readers(control, group) : apply_readers(control, "");
	control->root_only = group != NULL;
	control->everyone = !group;
	if (!err)
		err = start_thread(control);
	if (err) {
		if (control->listen_fd >= 0)
			(void)unlink(control->path);
		release(control);
		return err;
	}
	kick(control);
	*ret = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	(void)unlink(control->path);
	atomic_store(&control->stop, true);
	kick(control);
	/* a thread that still waits for a group uses all this until the process ends */
	if (!thread_join(control->thread, thread_deadline(STOP_TIMEOUT_NS)))
		release(control);
}
