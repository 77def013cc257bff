// SPDX-License-Identifier: Apache-2.0
/*
 * scanout MEMORY FRAMES [USE]: shows pictures from buffers of any origin on the screen of a virtio-gpu that has blobs: the buffers are
 * imported by PRIME, framebuffers are made of them, and they are flipped. A picture is numbered lines (numbered.h), with the frame's
 * number from 1 on: all of its bytes differ from those of the frame before.
 *
 * MEMORY, whose buffers:
 *   mmap           dumb buffers of the card itself
 *   expbuf         the same, exported, and drawn in by the mapping of the dma-buf
 *   udmabuf        single pages of a memfd, last first
 *   udmabuf-huge   a part of a huge page
 *   udmabuf-twice  pages of a memfd, of which the last is the first once more
 *   dumb, vgem     dumb buffers of a virtio-gpu without blobs, and of vgem
 *   heap           of the system heap
 *   vivid          contiguous ones of a capture driver, exported
 *   bar            memory of a foreign PCI device, exported by vfio-pci
 *
 * USE, how; all but the first are mistakes:
 *   sync           with DMA_BUF_IOCTL_SYNC around all drawing (the default)
 *   no-sync        without it
 *   wrong-sync     with it, for reading
 *   closed         the descriptors are closed when the buffers are imported, and their numbers used for something else
 *   munmap         the buffers are unmapped while they are shown
 *   fork           a child has the buffers too, and reads them
 *   killed         a child dies of SIGKILL while its buffers are shown; then it is done right
 *   short          a framebuffer is made of a buffer that is a page too short first
 *   freed          framebuffers, handles, mappings and descriptors are given up while they are shown; then it is done right
 *   untold         one frame more is drawn into what is shown, without a sync and without DRM_IOCTL_MODE_DIRTYFB
 *
 *   SLUICE shown N WIDTH HEIGHT   the device has completed every command for the frame N; a line on standard input lets the program go on
 *   SLUICE refused CALL ERRNO     for short, and if the driver does not take the memory
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "exporters.h"
#include "screen.h"

#define BUFFERS 2
#define PIXEL 4

enum use { SYNC, NO_SYNC, WRONG_SYNC, CLOSED, MUNMAP, FORK, KILLED, SHORT, FREED, UNTOLD };
static const char *const uses[] = {
	"sync", "no-sync", "wrong-sync", "closed", "munmap", "fork", "killed", "short", "freed", "untold",
};

static enum memory memory;
static enum use use;
static struct screen screen;
static uint32_t pitch; /* bytes of a line */
static size_t size;    /* of a buffer: a picture in whole pages */
static struct buffer buffers[BUFFERS];
static uint32_t handles[BUFFERS], framebuffers[BUFFERS];

static int word(const char *const *words, int count, const char *wanted)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], wanted) == 0)
			return i;
	fprintf(stderr, "scanout: %s is not known\n", wanted);
	exit(2);
}

static bool is_own(void)
{
	return memory == MMAP || memory == EXPBUF;
}

static void bracket(int i, uint64_t flags)
{
	if (buffers[i].fd < 0 || memory == BAR || use == NO_SYNC || use == UNTOLD)
		return;
	sync_cpu(buffers[i].fd, use == WRONG_SYNC ? flags ^ DMA_BUF_SYNC_RW : flags);
}

static void reach(int i)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffers[i].mapped_fd, buffers[i].offset);

	if (bytes == MAP_FAILED)
		fail("mmap");
	buffers[i].bytes = bytes;
}

/* Numbered lines: from its header on, a line is the numbers from some number on, modulo 256. */
static void draw(int i, uint32_t frame)
{
	static uint8_t ramp[256 + 4 * 8192];
	struct contents contents = { .length = pitch, .count = screen.height };

	if (ramp[1] == 0)
		for (size_t at = 0; at < sizeof ramp; at++)
			ramp[at] = (uint8_t)at;
	if (use == MUNMAP)
		reach(i);
	bracket(i, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	for (uint32_t line = 0; line < screen.height; line++) {
		uint8_t *bytes = buffers[i].bytes + (size_t)line * pitch;
		uint32_t first = line * pitch;

		for (uint32_t at = 0; at < NUMBERED_HEADER; at++)
			bytes[at] = expected(&contents, first + at, frame);
		memcpy(bytes + NUMBERED_HEADER, ramp + expected(&contents, first + NUMBERED_HEADER, frame), pitch - NUMBERED_HEADER);
	}
	bracket(i, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	if (use == MUNMAP)
		munmap(buffers[i].bytes, size);
}

static void make_own(int i)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1 };

	buffers[i] = (struct buffer) { .fd = -1, .mapped_fd = screen.card };
	buffers[i].bytes = (uint8_t *)map_dumb(screen.card, screen.width, screen.height, &handles[i], &pitch, &buffers[i].offset);
	if (memory == MMAP)
		return;
	prime.handle = handles[i];
	CALL(screen.card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	munmap(buffers[i].bytes, size);
	buffers[i] = (struct buffer) { .fd = prime.fd, .mapped_fd = prime.fd };
	reach(i);
}

/* The card's handle of a dma-buf. */
static uint32_t imported(int fd)
{
	struct drm_prime_handle prime = { .fd = fd };

	if (ioctl(screen.card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) == 0)
		return prime.handle;
	/* Memory without pages need not be taken, and it must not be taken as if it had some. */
	if (memory == BAR) {
		printf("SLUICE refused DRM_IOCTL_PRIME_FD_TO_HANDLE %s\n", strerrorname_np(errno));
		exit(0);
	}
	if (errno == ENODEV)
		skip("the driver virtio_gpu imports no buffers of others (ENODEV), as that of Linux 6.12");
	fail("DRM_IOCTL_PRIME_FD_TO_HANDLE");
}

static void close_handle(uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	CALL(screen.card, DRM_IOCTL_GEM_CLOSE, &close);
}

/* The card keeps what it needs; this program keeps another descriptor for its own calls. */
static void close_descriptor(int i)
{
	int other = dup(buffers[i].fd);

	if (other < 0 || dup2(open_or_fail("/dev/null"), buffers[i].fd) < 0)
		fail("dup");
	buffers[i].fd = buffers[i].mapped_fd = other;
}

/* A picture must not reach beyond its buffer: the kernel refuses to make a framebuffer of it. */
static void try_short(void)
{
	struct buffer buffer;
	uint32_t handle, framebuffer;

	make(memory, screen.card, 0, size - PAGE, (uint32_t)size - PAGE, &buffer);
	handle = imported(buffer.fd);
	framebuffer = add_framebuffer(&screen, handle, pitch);
	if (framebuffer != 0) {
		set_mode(&screen, framebuffer);
		wait_for_device(&screen);
		fail_because("DRM_IOCTL_MODE_ADDFB2 took a buffer that is too short");
	}
	printf("SLUICE refused DRM_IOCTL_MODE_ADDFB2 %s\n", strerrorname_np(errno));
	close_handle(handle);
	close(buffer.fd);
}

static void prepare(void)
{
	if (use == SHORT)
		try_short();
	for (int i = 0; i < BUFFERS; i++) {
		if (is_own()) {
			make_own(i);
		} else {
			make(memory, screen.card, (uint32_t)i, size, (uint32_t)size, &buffers[i]);
			reach(i);
			handles[i] = imported(buffers[i].fd);
		}
		framebuffers[i] = add_framebuffer(&screen, handles[i], pitch);
		if (framebuffers[i] == 0)
			fail("DRM_IOCTL_MODE_ADDFB2");
		if (use == CLOSED)
			close_descriptor(i);
		if (use == MUNMAP)
			munmap(buffers[i].bytes, size);
	}
}

/* All that this program has of them: what the card still shows is the card's. */
static void give_up(void)
{
	for (int i = 0; i < BUFFERS; i++) {
		munmap(buffers[i].bytes, size);
		close_handle(handles[i]);
		if (buffers[i].fd >= 0)
			close(buffers[i].fd);
		CALL(screen.card, DRM_IOCTL_MODE_RMFB, &framebuffers[i]);
	}
}

/* Whoever looks at the screen answers. */
static void told(uint32_t frame)
{
	char line[16];

	wait_for_device(&screen);
	printf("SLUICE shown %u %u %u\n", frame, screen.width, screen.height);
	if (fgets(line, sizeof line, stdin) == NULL)
		exit(1);
}

static void open_card(void)
{
	screen.card = virtio_gpu(true);
	if (screen.card < 0)
		skip("no card of the driver virtio_gpu has blobs");
	choose_screen(&screen);
	pitch = screen.width * PIXEL;
	size = ((size_t)pitch * screen.height + PAGE - 1) / PAGE * PAGE;
	if (pitch > 4 * 8192)
		fail_because("a screen of %u columns", screen.width);
}

/* A child that has all that this program has, until the pipe is closed: the end of it is returned. */
static int fork_reader(pid_t *made)
{
	volatile uint8_t sum = 0;
	int ends[2];
	char none;

	if (pipe(ends) < 0)
		fail("pipe");
	*made = fork();
	if (*made < 0)
		fail("fork");
	if (*made == 0) {
		close(ends[1]);
		for (int i = 0; i < BUFFERS; i++)
			for (size_t at = 0; at < size; at += 64)
				sum ^= buffers[i].bytes[at];
		_exit(read(ends[0], &none, 1) < 0);
	}
	close(ends[0]);
	return ends[1];
}

/* All that the child has goes with it, without a word to the driver, while it is shown. */
static void show_and_die(void)
{
	int ends[2];
	char shown;
	pid_t child;

	if (pipe(ends) < 0)
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(ends[0]);
		open_card();
		prepare();
		draw(0, 1);
		set_mode(&screen, framebuffers[0]);
		draw(1, 2);
		flip_to(&screen, framebuffers[1]);
		wait_for_device(&screen);
		if (write(ends[1], "", 1) != 1)
			fail("write");
		pause();
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], &shown, 1) != 1 || kill(child, SIGKILL) < 0) {
		int status = 0;

		waitpid(child, &status, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(child, NULL, 0);
	close(ends[0]);
}

static void show(uint32_t frames)
{
	draw(1, 1);
	set_mode(&screen, framebuffers[1]);
	told(1);
	for (uint32_t frame = 2; frame <= frames; frame++) {
		draw((int)(frame % BUFFERS), frame);
		flip_to(&screen, framebuffers[frame % BUFFERS]);
		told(frame);
	}
	if (use == UNTOLD) {
		draw((int)(frames % BUFFERS), frames + 1);
		told(frames + 1);
	}
}

int main(int count, char **arguments)
{
	int pipe_end = -1;
	pid_t child = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count < 3 || count > 4 || atoi(arguments[2]) < 1) {
		fprintf(stderr, "usage: scanout MEMORY FRAMES [USE]\n");
		return 2;
	}
	memory = word(memories, sizeof memories / sizeof *memories, arguments[1]);
	use = count < 4 ? SYNC : word(uses, sizeof uses / sizeof *uses, arguments[3]);
	if (memory == USERPTR)
		skip("a screen shows no anonymous memory");
	if (use == KILLED) {
		show_and_die();
		use = SYNC;
	}
	open_card();
	prepare();
	if (use == FREED) {
		draw(0, 1);
		set_mode(&screen, framebuffers[0]);
		give_up();
		prepare();
		use = SYNC;
	}
	if (use == FORK)
		pipe_end = fork_reader(&child);
	show((uint32_t)atoi(arguments[2]));
	if (use == FORK) {
		close(pipe_end);
		waitpid(child, NULL, 0);
	}
	return 0;
}
