// SPDX-License-Identifier: Apache-2.0
/*
 * stream DEVICE MEMORY FRAMES [USE]: captures buffers of numbered packets of a transport stream, or of numbered lines of
 * pictures (numbered.h), and says what user space found in them.
 *
 * MEMORY, whose buffers:
 *   mmap           the driver's own
 *   expbuf         the driver's own, exported, and read by the mapping of the dma-buf
 *   userptr        this program's, of anonymous pages
 *   udmabuf        single pages of a memfd, last first
 *   udmabuf-huge   a part of a huge page
 *   udmabuf-twice  pages of a memfd, of which the last of the picture is the first once more
 *   dumb, blob     dumb buffers of a virtio-gpu without blobs, and of one with blobs
 *   object         blobs of a virtio-gpu that other virtio devices know by their UUIDs
 *   vgem           dumb buffers of vgem
 *   heap           of the system heap
 *   vivid          contiguous ones of another capture driver, exported
 *   bar            memory of a foreign PCI device, exported by vfio-pci
 *
 * USE, how; all but the first are mistakes:
 *   sync           with DMA_BUF_IOCTL_SYNC around all accesses (the default)
 *   no-sync        without it
 *   wrong-sync     with it, for reading where this program writes and the other way round
 *   closed         the descriptors are closed when the buffers are queued, and their numbers used for something else
 *   munmap         the buffers are unmapped while they are queued
 *   fork           a child has the buffers, reads them, and writes those that it has copies of
 *   killed         a child streams and dies of SIGKILL while all is queued; then it is done right
 *   short          a buffer that is a page too short is queued first
 *   requeued       a buffer that is queued is queued once more
 *
 *   SLUICE stream MEMORY frames N failed F right R packets right A old B wiped C other D
 *   SLUICE diff frame N offset O length L expected HEX found HEX
 *   SLUICE refused CALL ERRNO     for short and requeued, and if the driver does not take the memory
 *
 * A frame that the driver calls failed is not looked at.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "buffers.h"
#include "exporters.h"
#include "numbered.h"

#define BUFFERS MOST_BUFFERS
#define PACKET 188
#define WIPED 0xee
#define PATIENCE_MS 20000
#define BEFORE_DEATH 3 /* frames */

enum use { SYNC, NO_SYNC, WRONG_SYNC, CLOSED, MUNMAP, FORK, KILLED, SHORT, REQUEUED };
static const char *const uses[] = {
	"sync", "no-sync", "wrong-sync", "closed", "munmap", "fork", "killed", "short", "requeued",
};

static enum memory memory;
static enum use use;
static int device;
static const int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
static uint32_t picture; /* bytes of one */
static uint32_t unit;	 /* bytes of a packet or line */
static size_t size;	 /* of a buffer: a picture in whole pages */
static struct buffer buffers[BUFFERS];

static int word(const char *const *words, int count, const char *wanted)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], wanted) == 0)
			return i;
	fprintf(stderr, "stream: %s is not known\n", wanted);
	exit(2);
}

static enum v4l2_memory queue_memory(void)
{
	if (memory == USERPTR)
		return V4L2_MEMORY_USERPTR;
	return memory == MMAP || memory == EXPBUF ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
}

static void reach(uint32_t index)
{
	int fd = buffers[index].mapped_fd;
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd,
			   buffers[index].offset);

	if (bytes == MAP_FAILED)
		fail("mmap");
	buffers[index].bytes = bytes;
}

static void bracket(uint32_t index, uint64_t flags)
{
	if (buffers[index].fd < 0 || memory == BAR || use == NO_SYNC)
		return;
	sync_cpu(buffers[index].fd, use == WRONG_SYNC ? flags ^ DMA_BUF_SYNC_RW : flags);
}

static void wipe(uint32_t index)
{
	bracket(index, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(buffers[index].bytes, WIPED, size);
	bracket(index, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

static struct v4l2_buffer message(uint32_t index)
{
	struct v4l2_buffer buffer = { .type = type, .memory = queue_memory(), .index = index };

	if (buffer.memory == V4L2_MEMORY_DMABUF)
		buffer.m.fd = buffers[index].fd;
	if (buffer.memory == V4L2_MEMORY_USERPTR) {
		buffer.m.userptr = (unsigned long)buffers[index].bytes;
		buffer.length = size;
	}
	return buffer;
}

/* What the driver must not take. */
static void queue_wrongly(struct v4l2_buffer buffer, const char *why)
{
	if (ioctl(device, VIDIOC_QBUF, &buffer) == 0) {
		printf("SLUICE error %s was queued\n", why);
		exit(1);
	}
	printf("SLUICE refused VIDIOC_QBUF %s\n", strerrorname_np(errno));
}

static void queue_short(void)
{
	struct v4l2_buffer buffer;

	if (size <= PAGE)
		skip("a picture of %u bytes fits into a page", picture);
	make(memory, device, 0, size - PAGE, picture, &buffers[0]);
	if (memory == USERPTR)
		reach(0);
	buffer = message(0);
	if (memory == USERPTR)
		buffer.length = size - PAGE;
	queue_wrongly(buffer, "a buffer that is too short");
	if (memory != USERPTR)
		close(buffers[0].fd);
}

static void queue(uint32_t index)
{
	struct v4l2_buffer buffer = message(index);

	if (ioctl(device, VIDIOC_QBUF, &buffer) == 0)
		return;
	/* Memory without pages need not be taken, and it must not be taken as if it had some. */
	if (memory != BAR)
		fail("VIDIOC_QBUF");
	printf("SLUICE refused VIDIOC_QBUF %s\n", strerrorname_np(errno));
	exit(0);
}

/* The queue keeps what it needs; this program keeps another descriptor for its own calls. */
static void close_descriptor(uint32_t index)
{
	int other = dup(buffers[index].fd);

	if (other < 0 || dup2(open_or_fail("/dev/null"), buffers[index].fd) < 0)
		fail("dup");
	buffers[index].fd = buffers[index].mapped_fd = other;
}

static void prepare(void)
{
	struct v4l2_requestbuffers request = { .count = BUFFERS, .type = type, .memory = queue_memory() };

	if (ioctl(device, VIDIOC_REQBUFS, &request) < 0) {
		if (errno == EINVAL)
			skip("the driver's queue takes no memory of this kind: VIDIOC_REQBUFS EINVAL");
		fail("VIDIOC_REQBUFS");
	}
	if (request.count != BUFFERS)
		skip("the driver's queue takes %u buffers, and %d are used", request.count, BUFFERS);
	if (use == SHORT)
		queue_short();
	for (uint32_t i = 0; i < BUFFERS; i++) {
		make(memory, device, i, size, picture, &buffers[i]);
		if (memory == MMAP) {
			struct v4l2_buffer own = message(i);

			CALL(device, VIDIOC_QUERYBUF, &own);
			buffers[i].mapped_fd = device;
			buffers[i].offset = own.m.offset;
		}
		reach(i);
		wipe(i);
		queue(i);
		if (use == CLOSED)
			close_descriptor(i);
		if (use == MUNMAP)
			munmap(buffers[i].bytes, size);
	}
	if (use == REQUEUED)
		queue_wrongly(message(0), "a buffer that was queued already");
}

/* A child that has all that this program has, until the pipe is closed: the end of it is returned. */
static int fork_reader(pid_t *made)
{
	volatile uint8_t sum = 0;
	int ends[2];
	char none;
	pid_t child;

	if (pipe(ends) < 0)
		fail("pipe");
	child = *made = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(ends[1]);
		for (int i = 0; i < BUFFERS; i++) {
			for (size_t at = 0; at < size; at += 64)
				sum ^= buffers[i].bytes[at];
			if (memory == USERPTR)
				memset(buffers[i].bytes, 0x11, size);
		}
		_exit(read(ends[0], &none, 1) < 0);
	}
	close(ends[0]);
	return ends[1];
}

static void stream(int frames, int started)
{
	int rights = 0, failed = 0;
	int64_t newest = -1;
	struct tally tally = { 0 };
	struct contents contents = { .length = unit, .count = picture / unit, .wiped = WIPED };
	int on = type;

	CALL(device, VIDIOC_STREAMON, &on);
	for (int n = 0; n < frames; n++) {
		struct pollfd ready = { .fd = device, .events = POLLIN };
		struct v4l2_buffer buffer = { .type = type, .memory = queue_memory() };

		if (poll(&ready, 1, PATIENCE_MS) != 1) {
			errno = ETIMEDOUT;
			fail("poll");
		}
		CALL(device, VIDIOC_DQBUF, &buffer);
		if (use == MUNMAP)
			reach(buffer.index);
		if (buffer.flags & V4L2_BUF_FLAG_ERROR) {
			failed++;
		} else {
			bracket(buffer.index, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
			contents.bytes = buffers[buffer.index].bytes;
			contents.fields = buffer.field == V4L2_FIELD_SEQ_TB;
			rights += look(&contents, n, &newest, &tally);
			bracket(buffer.index, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		}
		if (n + 1 == frames)
			break;
		wipe(buffer.index);
		queue(buffer.index);
		if (use == MUNMAP)
			munmap(buffers[buffer.index].bytes, size);
		if (started >= 0 && n == BEFORE_DEATH && write(started, "", 1) != 1)
			fail("write");
	}
	CALL(device, VIDIOC_STREAMOFF, &on);
	printf("SLUICE stream %s frames %d failed %d right %d packets right %ld old %ld wiped %ld other %ld\n", memories[memory],
	       frames, failed, rights, tally.right, tally.old, tally.wiped, tally.other);
}

static void open_device(const char *path)
{
	struct v4l2_format format = { .type = type };

	device = open_or_fail(path);
	CALL(device, VIDIOC_G_FMT, &format);
	picture = format.fmt.pix.sizeimage;
	unit = format.fmt.pix.pixelformat == V4L2_PIX_FMT_MPEG ? PACKET : format.fmt.pix.bytesperline;
	if (unit <= NUMBERED_HEADER || unit > picture) {
		errno = EINVAL;
		fail("format");
	}
	size = (picture + PAGE - 1) / PAGE * PAGE;
}

/* All that the child has goes with it, without a word to the driver. */
static void stream_and_die(const char *path)
{
	int ends[2];
	char started;
	pid_t child;

	if (pipe(ends) < 0)
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(ends[0]);
		open_device(path);
		prepare();
		stream(1 << 30, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &started, 1) != 1 || kill(child, SIGKILL) < 0) {
		int status = 0;

		waitpid(child, &status, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(child, NULL, 0);
	close(ends[0]);
}

int main(int argc, char **argv)
{
	int pipe_end = -1;
	pid_t child = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || argc > 5 || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: stream DEVICE MEMORY FRAMES [USE]\n");
		return 2;
	}
	memory = word(memories, sizeof memories / sizeof *memories, argv[2]);
	use = argc < 5 ? SYNC : word(uses, sizeof uses / sizeof *uses, argv[4]);
	if (use == KILLED) {
		stream_and_die(argv[1]);
		use = SYNC;
	}
	open_device(argv[1]);
	prepare();
	if (use == FORK)
		pipe_end = fork_reader(&child);
	stream(atoi(argv[3]), -1);
	if (use == FORK) {
		close(pipe_end);
		waitpid(child, NULL, 0);
	}
	return 0;
}
