// SPDX-License-Identifier: Apache-2.0
/*
 * Lets a capture device write into buffers that others have made: the way from a dma-buf of scattered pages through an
 * importer's queue to the picture, and back again.
 *
 *   import DEVICE udmabuf|dumb FRAMES [closed|held|killed|shown]
 *
 *   udmabuf   pages of a memfd in an order that is none: no two neighbours of the buffer are neighbours of the memfd
 *   dumb      a dumb buffer of /dev/dri/card0, exported by PRIME: what shmem finds, one page at a time, in memory that was
 *             broken up before
 *
 * Two buffers take turns. Before a buffer is queued its bytes are all set to 0xee, and when it comes back its checksum is
 * computed through the mapping of the dma-buf, between the two calls of DMA_BUF_IOCTL_SYNC: a byte that the device has not
 * written shows.
 *
 *   closed    the descriptors are closed as soon as the buffers are queued, so each is filled once and FRAMES is 1
 *   held      waits for a line on standard input when the last frame is in and the buffers are still the queue's, and for
 *             another one when the queue has given them up, which is before this program closes them
 *   killed    dies of SIGKILL after the last frame, while the buffers are the queue's
 *   shown     looks at the first buffer once more when the queue has given it up: a device that does not snoop may be seen
 *             only then
 *
 * What it prints, one line each, for programs to read:
 *   SLUICE frame SEQUENCE INDEX CRC FIRST   CRC-32 (that of zlib and PNG) of a picture, and its first four bytes, which are
 *                                           the frame's number in the grabber's pattern; both in hexadecimal
 *   SLUICE shown 0 0 CRC FIRST              the same of the first buffer
 *   SLUICE held, SLUICE released            see above
 *   SLUICE error CALL ERRNO                 and exit 1
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>

#include <linux/videodev2.h>

#include "buffers.h"

#define BUFFERS 2
#define FRAME_TIMEOUT_MS 20000
#define PIPE_PAGES 256

struct buffer {
	int fd;
	uint8_t *bytes;
};

static int device;
static struct buffer buffers[BUFFERS];
static size_t size;		/* of a buffer: a picture in whole pages */
static uint32_t picture;	/* bytes of a picture */

/* A step through the pages that meets each of them once, and never the next one. */
static uint32_t stride(uint32_t pages)
{
	for (uint32_t step = pages / 3 | 1;; step++) {
		uint32_t a = pages, b = step;

		while (b != 0) {
			uint32_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return step;
	}
}

static int scattered_udmabuf(void)
{
	uint32_t pages = size / PAGE, step = stride(pages);
	uint32_t *order = calloc(pages, sizeof *order);
	int memory = sealed_memory(size, 0), fd;

	if (order == NULL)
		fail("calloc");
	for (uint32_t i = 0; i < pages; i++)
		order[i] = (uint32_t)((uint64_t)i * step % pages);
	fd = listed_udmabuf(memory, order, pages);
	free(order);
	close(memory);
	return fd;
}

/*
 * A kernel that has just booted may well find neighbouring pages one after the other. So free memory is broken up first: two
 * pipes are filled in turns, a page at a time, and one is emptied. What it gives back is single pages, and they are what the
 * next allocations get, because the pages of pipes are of the same kind as those of dumb buffers.
 */
static void break_up_memory(void)
{
	static const char page[PAGE];
	int kept[2], emptied[2];

	if (pipe2(kept, O_CLOEXEC) < 0 || pipe2(emptied, O_CLOEXEC) < 0 ||
	    fcntl(kept[1], F_SETPIPE_SZ, PIPE_PAGES * PAGE) < 0 || fcntl(emptied[1], F_SETPIPE_SZ, PIPE_PAGES * PAGE) < 0)
		fail("pipe");
	for (int i = 0; i < PIPE_PAGES; i++)
		if (write(kept[1], page, PAGE) != PAGE || write(emptied[1], page, PAGE) != PAGE)
			fail("write");
	close(emptied[0]);
	close(emptied[1]);
}

static void wipe(const struct buffer *b)
{
	sync_cpu(b->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(b->bytes, 0xee, size);
	sync_cpu(b->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

static void make_buffers(const char *kind)
{
	if (strcmp(kind, "dumb") == 0)
		break_up_memory();
	for (int i = 0; i < BUFFERS; i++) {
		struct buffer *b = &buffers[i];

		b->fd = strcmp(kind, "dumb") == 0 ? dumb_buffer("virtio_gpu", "CONFIG_DRM_VIRTIO_GPU", size) : scattered_udmabuf();
		b->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
		if (b->bytes == MAP_FAILED)
			fail("mmap");
		wipe(b);
	}
}

static uint32_t checksum(const uint8_t *bytes, size_t count)
{
	static uint32_t table[256];
	uint32_t crc = ~0u;

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ 0xEDB88320 : c >> 1;
			table[i] = c;
		}
	for (size_t i = 0; i < count; i++)
		crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
	return ~crc;
}

static struct v4l2_buffer message(uint32_t index)
{
	return (struct v4l2_buffer) {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF, .index = index,
	};
}

static void queue(uint32_t index)
{
	struct v4l2_buffer b = message(index);

	b.m.fd = buffers[index].fd;
	CALL(device, VIDIOC_QBUF, &b);
}

static void print(const char *what, uint32_t sequence, uint32_t index)
{
	const uint8_t *bytes = buffers[index].bytes;

	printf("SLUICE %s %u %u %08x %02x%02x%02x%02x\n", what, sequence, index, checksum(bytes, picture), bytes[0],
	       bytes[1], bytes[2], bytes[3]);
}

static uint32_t next_frame(int closed)
{
	struct pollfd ready = { .fd = device, .events = POLLIN };
	struct v4l2_buffer done = message(0);
	const struct buffer *b;

	if (poll(&ready, 1, FRAME_TIMEOUT_MS) != 1) {
		errno = ETIMEDOUT;
		fail("poll");
	}
	CALL(device, VIDIOC_DQBUF, &done);
	if (done.flags & V4L2_BUF_FLAG_ERROR || done.bytesused != picture) {
		errno = EIO;
		fail("VIDIOC_DQBUF");
	}
	b = &buffers[done.index];
	if (!closed)
		sync_cpu(b->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	print("frame", done.sequence, done.index);
	if (!closed)
		sync_cpu(b->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	return done.index;
}

static void wait_for_line(const char *state)
{
	char line[16];

	printf("SLUICE %s\n", state);
	if (fgets(line, sizeof line, stdin) == NULL)
		exit(1);
}

int main(int count, char **arguments)
{
	uint32_t frames = count > 3 ? (uint32_t)strtoul(arguments[3], NULL, 10) : 0;
	int closed = count > 4 && strcmp(arguments[4], "closed") == 0;
	int held = count > 4 && strcmp(arguments[4], "held") == 0;
	int killed = count > 4 && strcmp(arguments[4], "killed") == 0;
	int shown = count > 4 && strcmp(arguments[4], "shown") == 0;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_requestbuffers request = {
		.count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF,
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (frames == 0 || (closed && frames != 1) || (count > 4 && !closed && !held && !killed && !shown) ||
	    (strcmp(arguments[2], "udmabuf") != 0 && strcmp(arguments[2], "dumb") != 0)) {
		fprintf(stderr, "usage: import DEVICE udmabuf|dumb FRAMES [closed|held|killed|shown]\n");
		return 2;
	}
	device = open_or_fail(arguments[1]);
	CALL(device, VIDIOC_G_FMT, &format);
	picture = format.fmt.pix.sizeimage;
	size = (picture + PAGE - 1) / PAGE * PAGE;
	make_buffers(arguments[2]);
	CALL(device, VIDIOC_REQBUFS, &request);
	for (uint32_t i = 0; i < BUFFERS; i++)
		queue(i);
	if (closed)
		for (uint32_t i = 0; i < BUFFERS; i++)
			close(buffers[i].fd);
	CALL(device, VIDIOC_STREAMON, &type);
	for (uint32_t i = 1; i <= frames; i++) {
		uint32_t index = next_frame(closed);

		if (i < frames) {
			wipe(&buffers[index]);
			queue(index);
		}
	}
	if (killed)
		raise(SIGKILL);
	if (held)
		wait_for_line("held");
	CALL(device, VIDIOC_STREAMOFF, &type);
	request.count = 0;
	CALL(device, VIDIOC_REQBUFS, &request);
	if (held)
		wait_for_line("released");
	if (shown)
		print("shown", 0, 0);
	return 0;
}
