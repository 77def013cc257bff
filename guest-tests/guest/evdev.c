// SPDX-License-Identifier: Apache-2.0
/*
 * evdev NAME COUNT: prints COUNT packets of the input device that is called NAME, one a line, as type, code and value of each event.
 * evdev NAME describe: prints what the kernel has found out about it.
 * evdev NAME led CODE 0|1: switches a light.
 *
 *   SLUICE input ready         the device is open: what is sent from now on is printed
 *   SLUICE packet 1 30 1       key 30 is pressed
 *
 * The kernel keeps some 60 events for a reader: whoever sends more waits for the lines. Without an event for ten seconds the program
 * gives up, so that whoever runs it can go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/input.h>

static void fail(const char *what)
{
	printf("SLUICE error %s: %s\n", what, strerror(errno));
	exit(1);
}

static int find(const char *name)
{
	glob_t nodes;

	if (glob("/dev/input/event*", 0, NULL, &nodes) != 0)
		fail("no input devices");
	for (size_t i = 0; i < nodes.gl_pathc; i++) {
		char found[256] = "";
		int node = open(nodes.gl_pathv[i], O_RDWR | O_CLOEXEC);

		if (node < 0)
			fail(nodes.gl_pathv[i]);
		if (ioctl(node, EVIOCGNAME(sizeof(found)), found) >= 0 && strcmp(found, name) == 0)
			return node;
		close(node);
	}
	errno = ENODEV;
	fail(name);
	return -1;
}

static void describe(int node)
{
	char serial[256] = "";
	struct input_id id;
	uint8_t keys[KEY_CNT / 8] = { 0 }, properties[1] = { 0 };
	int count = 0;

	if (ioctl(node, EVIOCGUNIQ(sizeof(serial)), serial) < 0)
		serial[0] = 0;
	if (ioctl(node, EVIOCGID, &id) < 0 || ioctl(node, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) < 0
	    || ioctl(node, EVIOCGPROP(sizeof(properties)), properties) < 0)
		fail("the device's description");
	for (int i = 0; i < KEY_CNT; i++)
		count += keys[i / 8] >> i % 8 & 1;
	printf("SLUICE device serial \"%s\" bus %d vendor %d product %d version %d keys %d properties %d\n", serial, id.bustype,
	       id.vendor, id.product, id.version, count, properties[0]);
	for (int code = 0; code < ABS_CNT; code++) {
		struct input_absinfo axis;

		if (ioctl(node, EVIOCGABS(code), &axis) == 0 && axis.maximum > axis.minimum)
			printf("SLUICE axis %d from %d to %d\n", code, axis.minimum, axis.maximum);
	}
}

static void print(int node, int count)
{
	char line[4096] = "SLUICE packet";
	size_t length = strlen(line);

	printf("SLUICE input ready\n");
	while (count > 0) {
		struct input_event event;
		struct pollfd readable = { .fd = node, .events = POLLIN };

		if (poll(&readable, 1, 10000) == 0) {
			errno = ETIMEDOUT;
			fail("no event");
		}
		if (read(node, &event, sizeof(event)) != sizeof(event))
			fail("read");
		if (event.type == EV_SYN) {
			if (event.code != SYN_REPORT)
				printf("SLUICE error SYN %d\n", event.code);
			printf("%s\n", line);
			length = strlen("SLUICE packet");
			line[length] = 0;
			count--;
		} else if (event.type != EV_MSC && event.type != EV_LED && length < sizeof(line) - 40) {
			length += sprintf(line + length, " %d %d %d", event.type, event.code, event.value);
		}
	}
}

int main(int argc, char **argv)
{
	int node;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		printf("usage: evdev NAME COUNT, evdev NAME describe, or evdev NAME led CODE 0|1\n");
		return 2;
	}
	node = find(argv[1]);
	if (strcmp(argv[2], "describe") == 0) {
		describe(node);
	} else if (strcmp(argv[2], "led") == 0 && argc == 5) {
		struct input_event events[] = {
			{ .type = EV_LED, .code = atoi(argv[3]), .value = atoi(argv[4]) },
			{ .type = EV_SYN, .code = SYN_REPORT },
		};

		if (write(node, events, sizeof(events)) != sizeof(events))
			fail("write");
	} else {
		print(node, atoi(argv[2]));
	}
	return 0;
}
