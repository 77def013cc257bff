/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_WAYLAND_H
#define SLUICE_WAYLAND_H

/*
 * The Wayland wire format, as far as a client of one window needs it, so that no library has to be in the guest. A message is
 * the object's number, then size << 16 | opcode, then the arguments, each a multiple of four bytes; a descriptor travels beside
 * the bytes (wayland.freedesktop.org, "Wire Format"). Opcodes are positions in wayland.xml and xdg-shell.xml.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAYLAND_LONGEST 4096

/* Requests. */
enum { DISPLAY_SYNC, DISPLAY_GET_REGISTRY };
enum { REGISTRY_BIND };
enum { COMPOSITOR_CREATE_SURFACE };
enum { SUBCOMPOSITOR_GET_SUBSURFACE = 1 };
enum { SUBSURFACE_SET_POSITION = 1 };
enum { SHM_CREATE_POOL };
enum { POOL_CREATE_BUFFER };
enum { SURFACE_ATTACH = 1, SURFACE_FRAME = 3, SURFACE_COMMIT = 6, SURFACE_DAMAGE_BUFFER = 9 };
enum { SEAT_GET_POINTER };
enum { POINTER_SET_CURSOR };
enum { WM_BASE_GET_XDG_SURFACE = 2, WM_BASE_PONG };
enum { XDG_SURFACE_GET_TOPLEVEL = 1, XDG_SURFACE_ACK_CONFIGURE = 4 };
enum { TOPLEVEL_SET_FULLSCREEN = 11 };

/* Events. */
enum { DISPLAY_ERROR, DISPLAY_DELETE_ID };
enum { REGISTRY_GLOBAL };
enum { BUFFER_RELEASE };
enum { SEAT_CAPABILITIES };
enum { POINTER_ENTER, POINTER_LEAVE, POINTER_MOTION };
enum { WM_BASE_PING };
enum { XDG_SURFACE_CONFIGURE };
enum { TOPLEVEL_CONFIGURE, TOPLEVEL_CLOSE };

/* In wl_shm, two formats have numbers of their own instead of DRM's. */
enum { SHM_ARGB8888, SHM_XRGB8888 };
enum { SEAT_HAS_POINTER = 1 };

struct event {
	uint32_t object, opcode, words;
	const uint32_t *arguments;
};

static int wayland = -1;
static char received[2 * WAYLAND_LONGEST];
static size_t received_size;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("SLUICE error ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(1);
}

/* Numbers of our own objects follow each other without a gap, the display's is 1. */
static uint32_t new_object(void)
{
	static uint32_t last = 1;

	return ++last;
}

static void wayland_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		fail("the socket path %s is too long", path);
	strcpy(address.sun_path, path);
	wayland = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wayland < 0 || connect(wayland, (struct sockaddr *)&address, sizeof address) < 0)
		fail("%s: %s", path, strerror(errno));
}

static void send_words(uint32_t object, uint32_t opcode, const uint32_t *words, uint32_t count, int descriptor)
{
	uint32_t message[2 + 32];
	struct iovec bytes = { message, 4 * (2 + count) };
	char control[CMSG_SPACE(sizeof descriptor)] = { 0 };
	struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > 32)
		fail("a request of %u words", count);
	message[0] = object;
	message[1] = 4 * (2 + count) << 16 | opcode;
	memcpy(message + 2, words, 4 * count);
	if (descriptor >= 0) {
		struct cmsghdr *rights;

		header.msg_control = control;
		header.msg_controllen = sizeof control;
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof descriptor);
		memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
	}
	do
		sent = sendmsg(wayland, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)bytes.iov_len) /* blocking, and far smaller than the socket's buffer: never a part */
		fail("sending to the compositor: %s", sent < 0 ? strerror(errno) : "only a part was taken");
}

/* A request whose arguments are plain words. */
#define REQUEST(object, opcode, ...) \
	do { \
		const uint32_t words_[] = { __VA_ARGS__ }; \
		send_words(object, opcode, words_, sizeof words_ / 4, -1); \
	} while (0)

/* Reads once, waiting if nothing is there; afterwards next_event gives what is complete. */
static void wayland_receive(void)
{
	ssize_t size;

	do
		size = read(wayland, received + received_size, sizeof received - received_size);
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		fail("the compositor has gone: %s", size < 0 ? strerror(errno) : "it closed the connection");
	received_size += (size_t)size;
}

/* The next complete event of what was received; its arguments are good until the next call. */
static int next_event(struct event *event)
{
	static uint32_t message[WAYLAND_LONGEST / 4];
	uint32_t size;

	if (received_size < 8)
		return 0;
	memcpy(message, received, 8);
	size = message[1] >> 16;
	if (size < 8 || size > WAYLAND_LONGEST || size % 4 != 0)
		fail("an event of %u bytes", size);
	if (received_size < size)
		return 0;
	memcpy(message, received, size);
	received_size -= size;
	memmove(received, received + size, received_size);
	*event = (struct event) { message[0], message[1] & 0xFFFF, size / 4 - 2, message + 2 };
	return 1;
}

/* The string that begins at argument `at`: a length with the closing zero, then the bytes. */
static const char *event_string(const struct event *event, uint32_t at)
{
	uint32_t length;

	if (at >= event->words)
		fail("event %u of object %u is too short", event->opcode, event->object);
	length = event->arguments[at];
	if (length == 0 || length > 4 * (event->words - at - 1))
		fail("event %u of object %u has a broken string", event->opcode, event->object);
	return (const char *)(event->arguments + at + 1);
}

/* Takes global object `name` of the registry as a new object, which is returned. */
static uint32_t bind_global(uint32_t registry, uint32_t name, const char *interface, uint32_t version)
{
	uint32_t words[32] = { name, (uint32_t)strlen(interface) + 1 };
	uint32_t at = 2 + (words[1] + 3) / 4;
	uint32_t object = new_object();

	if (at + 2 > 32)
		fail("the interface's name %s is too long", interface);
	strcpy((char *)(words + 2), interface);
	words[at] = version;
	words[at + 1] = object;
	send_words(registry, REGISTRY_BIND, words, at + 2, -1);
	return object;
}

#endif
