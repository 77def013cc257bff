// SPDX-License-Identifier: Apache-2.0
/*
 * stream DEVICE MEMORY FRAMES [nosync]: captures buffers of numbered packets of a transport stream, or of numbered lines of pictures
 * (numbered.h), and says of each whether it is the newest, an old one, what this program had put there, or none of these.
 *
 * MEMORY is mmap (the driver's own), or what is imported: udmabuf (single pages, last first), dumb (of /dev/dri/card0), heap (the
 * system heap). With nosync an imported buffer is read without DMA_BUF_IOCTL_SYNC, which is a mistake.
 *
 *   SLUICE stream MEMORY frames N failed F right R packets right A old B wiped C other D
 *
 * A frame that the driver calls failed is not looked at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include "numbered.h"

#define PAGE 4096u
#define BUFFERS 4
#define PACKET 188
#define WIPED 0xee

static int device;
static bool syncs;
static size_t size;
static uint32_t picture;
/* Bytes of a packet or line. */
static uint32_t unit;
static struct {
	int fd;
	uint8_t *bytes;
} buffers[BUFFERS];

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

static int opened(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static int udmabuf(void)
{
	int maker = opened("/dev/udmabuf");
	int memory = memfd_create("stream", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint32_t pages = size / PAGE;
	struct udmabuf_create_list *list = calloc(1, sizeof(*list) + pages * sizeof(list->list[0]));
	int fd;

	if (memory < 0 || ftruncate(memory, size) < 0 || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		fail("memfd");
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = pages;
	for (uint32_t i = 0; i < pages; i++)
		list->list[i] = (struct udmabuf_create_item){
			.memfd = memory, .offset = (uint64_t)(pages - 1 - i) * PAGE, .size = PAGE };
	fd = ioctl(maker, UDMABUF_CREATE_LIST, list);
	if (fd < 0)
		fail("UDMABUF_CREATE_LIST");
	close(memory);
	close(maker);
	free(list);
	return fd;
}

static int dumb(void)
{
	int card = opened("/dev/dri/card0");
	struct drm_mode_create_dumb create = { .width = PAGE / 4, .height = size / PAGE, .bpp = 32 };
	struct drm_prime_handle handle = { .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1 };

	CALL(card, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	handle.handle = create.handle;
	CALL(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &handle);
	close(card);
	return handle.fd;
}

static int heap(void)
{
	int maker = opened("/dev/dma_heap/system");
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };

	CALL(maker, DMA_HEAP_IOCTL_ALLOC, &data);
	close(maker);
	return data.fd;
}

static void bracket(int index, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (syncs)
		CALL(buffers[index].fd, DMA_BUF_IOCTL_SYNC, &sync);
}

static void wipe(int index)
{
	bracket(index, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(buffers[index].bytes, WIPED, size);
	bracket(index, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

int main(int argc, char **argv)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, frames, rights = 0, failed = 0;
	int64_t newest = -1;
	struct tally tally = { 0 };
	struct v4l2_format format = { .type = type };
	struct v4l2_requestbuffers request = { .count = BUFFERS, .type = type };
	bool own;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4) {
		printf("usage: stream DEVICE mmap|udmabuf|dumb|heap FRAMES [nosync]\n");
		return 2;
	}
	own = !strcmp(argv[2], "mmap");
	frames = atoi(argv[3]);
	syncs = !own && argc == 4;
	request.memory = own ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
	device = opened(argv[1]);
	CALL(device, VIDIOC_G_FMT, &format);
	picture = format.fmt.pix.sizeimage;
	unit = format.fmt.pix.pixelformat == V4L2_PIX_FMT_MPEG ? PACKET : format.fmt.pix.bytesperline;
	if (unit <= NUMBERED_HEADER || unit > picture) {
		errno = EINVAL;
		fail("format");
	}
	size = (picture + PAGE - 1) / PAGE * PAGE;
	CALL(device, VIDIOC_REQBUFS, &request);
	for (int i = 0; i < BUFFERS; i++) {
		struct v4l2_buffer buffer = { .type = type, .memory = request.memory, .index = i };
		off_t offset = 0;

		if (own) {
			CALL(device, VIDIOC_QUERYBUF, &buffer);
			offset = buffer.m.offset;
		} else {
			buffers[i].fd = !strcmp(argv[2], "heap") ? heap() : !strcmp(argv[2], "dumb") ? dumb() : udmabuf();
			buffer.m.fd = buffers[i].fd;
		}
		buffers[i].bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
					own ? device : buffers[i].fd, offset);
		if (buffers[i].bytes == MAP_FAILED)
			fail("mmap");
		wipe(i);
		CALL(device, VIDIOC_QBUF, &buffer);
	}
	CALL(device, VIDIOC_STREAMON, &type);
	for (int n = 0; n < frames; n++) {
		struct pollfd ready = { .fd = device, .events = POLLIN };
		struct v4l2_buffer buffer = { .type = type, .memory = request.memory };

		if (poll(&ready, 1, 20000) != 1) {
			errno = ETIMEDOUT;
			fail("no buffer in 20 s");
		}
		CALL(device, VIDIOC_DQBUF, &buffer);
		if (buffer.flags & V4L2_BUF_FLAG_ERROR) {
			failed++;
		} else {
			bracket(buffer.index, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
			rights += look(buffers[buffer.index].bytes, unit, picture / unit, buffer.field == V4L2_FIELD_SEQ_TB,
				       WIPED, &newest, &tally);
			bracket(buffer.index, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		}
		if (n + 1 == frames)
			break;
		wipe(buffer.index);
		if (!own)
			buffer.m.fd = buffers[buffer.index].fd;
		CALL(device, VIDIOC_QBUF, &buffer);
	}
	CALL(device, VIDIOC_STREAMOFF, &type);
	printf("SLUICE stream %s frames %d failed %d right %d packets right %ld old %ld wiped %ld other %ld\n", argv[2],
	       frames, failed, rights, tally.right, tally.old, tally.wiped, tally.other);
	return 0;
}
