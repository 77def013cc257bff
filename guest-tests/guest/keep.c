// SPDX-License-Identifier: Apache-2.0
/*
 * keep DEVICE SECONDS: captures numbered lines (numbered.h) into buffers of the driver's own, takes them from it, gives none back, and
 * watches those that it holds: they are this program's until they are queued again.
 *
 *   SLUICE kept N              N buffers are as they were, after SECONDS
 *   SLUICE overwritten N by M  the card has written its picture M over the picture N
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/videodev2.h>
#include "numbered.h"

#define MOST 8

static void fail(const char *what)
{
	printf("SLUICE error %s: %s\n", what, strerror(errno));
	exit(1);
}

static void call(int fd, unsigned long request, void *argument, const char *name)
{
	while (ioctl(fd, request, argument) < 0)
		if (errno != EINTR && errno != EAGAIN)
			fail(name);
}

#define CALL(fd, request, argument) call(fd, request, argument, #request)

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

int main(int argc, char **argv)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, device;
	struct v4l2_requestbuffers request = { .count = 4, .type = type, .memory = V4L2_MEMORY_MMAP };
	const uint8_t *maps[MOST], *held[MOST];
	uint32_t numbers[MOST], count = 0;
	int64_t end;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3) {
		printf("usage: keep DEVICE SECONDS\n");
		return 2;
	}
	device = open(argv[1], O_RDWR | O_CLOEXEC);
	if (device < 0)
		fail(argv[1]);
	CALL(device, VIDIOC_REQBUFS, &request);
	if (request.count > MOST)
		request.count = MOST;
	for (uint32_t i = 0; i < request.count; i++) {
		struct v4l2_buffer buffer = { .type = type, .memory = V4L2_MEMORY_MMAP, .index = i };

		CALL(device, VIDIOC_QUERYBUF, &buffer);
		maps[i] = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, device, buffer.m.offset);
		if (maps[i] == MAP_FAILED)
			fail("mmap");
		CALL(device, VIDIOC_QBUF, &buffer);
	}
	CALL(device, VIDIOC_STREAMON, &type);
	// A driver may keep the last for itself, as long as it has no other.
	while (count < request.count) {
		struct pollfd ready = { .fd = device, .events = POLLIN };
		struct v4l2_buffer buffer = { .type = type, .memory = V4L2_MEMORY_MMAP };

		// A driver may keep the last for itself, as long as it has no other.
		if (poll(&ready, 1, count == 0 ? 20000 : 1000) != 1)
			break;
		CALL(device, VIDIOC_DQBUF, &buffer);
		held[count] = maps[buffer.index];
		numbers[count] = number(held[count] + 4);
		count++;
	}
	if (count == 0) {
		errno = ETIMEDOUT;
		fail("no buffer in 20 s");
	}
	for (end = now() + atoi(argv[2]) * 1000000000ll; now() < end; usleep(1000)) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t there;

			__sync_synchronize(); // it is read anew each time
			there = number(held[i] + 4);
			if (there != numbers[i]) {
				printf("SLUICE overwritten %u by %u\n", numbers[i], there);
				return 0;
			}
		}
	}
	printf("SLUICE kept %u\n", count);
	return 0;
}
