// SPDX-License-Identifier: Apache-2.0
/*
 * A client of a stateful V4L2 decoder with the multi-planar API (Linux, userspace-api/media/v4l/dev-decoder.rst).
 *
 *   decode DEVICE CODED FILE MEMORY [shown]
 *
 *   DEVICE      a video node, or the name that its node in sysfs contains
 *   CODED       the fourcc of the coded format
 *   FILE        units: each a length of 32 bits, little-endian, and as many bytes. A unit's timestamp is its number in microseconds
 *   MEMORY      whose frame buffers, as in stream.c: mmap, expbuf, userptr, udmabuf, udmabuf-huge, dumb, blob, object, vgem, heap. Those
 *               of units are the driver's; with userptr they are this program's too
 *   shown       holds the last frame for "quit" or the end of the input, on the screen of virtio-gpu: its driver imports the buffer,
 *               whose bytes are shown as pixels of 32 bits
 *
 * A buffer is full of 0xee before it is queued, so that a byte which the device has not written shows. It prints, one line each:
 *
 *   SLUICE format WIDTH HEIGHT FOURCC BUFFERS          of frames, and how many buffers there are
 *   SLUICE frame SEQUENCE TIMESTAMP INDEX CRC          CRC-32 of a frame's visible part, plane after plane, in hexadecimal
 *   SLUICE broken SEQUENCE TIMESTAMP INDEX             a frame that the device calls an error
 *   SLUICE decoded FRAMES of UNITS
 *   SLUICE shown WIDTH HEIGHT                          what the screen shows: the first bytes of the buffer
 *
 * and otherwise ends as buffers.h says.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdbool.h>

#include "exporters.h"
#include "screen.h"

#define MOST_FRAMES 32
#define UNIT_BUFFERS 4
#define MORE_BUFFERS 2 /* than the device needs */
#define WIPED 0xee
#define PATIENCE_MS 20000
#define UNITS_TYPE V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE
#define FRAMES_TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE

/* A unit in the file. */
struct unit {
	const uint8_t *bytes;
	uint32_t length;
};

static int device;
static enum memory memory;
static const uint8_t *file;
static size_t file_bytes, file_at;
static uint32_t units, frames, taken;
static struct buffer unit_buffers[UNIT_BUFFERS], frame_buffers[MOST_FRAMES];
static uint32_t unit_bytes, frame_count, frame_bytes;
static struct v4l2_pix_format_mplane frame;
static struct v4l2_rect visible;
static bool streaming, changing, stopped;
static int held; /* the newest frame's buffer, which is queued when the next one has come, or -1 */

static const char *name_of(uint32_t fourcc)
{
	static char name[5];

	memcpy(name, &fourcc, 4);
	return name;
}

static bool next_unit(struct unit *unit)
{
	uint32_t length;

	if (file_at == file_bytes)
		return false;
	if (file_bytes - file_at >= sizeof length)
		memcpy(&length, file + file_at, sizeof length);
	if (file_bytes - file_at < sizeof length || file_bytes - file_at - sizeof length < length)
		fail_because("the file ends within a unit");
	*unit = (struct unit) { file + file_at + sizeof length, length };
	file_at += sizeof length + length;
	return true;
}

static void read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (end <= 0)
		fail(path);
	file_bytes = (size_t)end;
	file = mmap(NULL, file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		fail("mmap");
}

static enum v4l2_memory memory_of(uint32_t type)
{
	if (memory == USERPTR)
		return V4L2_MEMORY_USERPTR;
	return type == UNITS_TYPE || memory == MMAP || memory == EXPBUF ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
}

static uint32_t request(uint32_t type, uint32_t count)
{
	struct v4l2_requestbuffers request = { .count = count, .type = type, .memory = memory_of(type) };

	CALL(device, VIDIOC_REQBUFS, &request);
	return request.count;
}

static struct v4l2_buffer message(uint32_t type, uint32_t index, struct v4l2_plane *plane)
{
	return (struct v4l2_buffer) {
		.type = type, .memory = memory_of(type), .index = index, .length = 1, .m.planes = plane,
	};
}

/* Finds or makes a buffer of the queue, and maps it. */
static void reach(uint32_t type, uint32_t index, uint32_t bytes, struct buffer *buffer)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer own = message(type, index, &plane);
	struct v4l2_exportbuffer export = { .type = type, .index = index, .flags = O_RDWR | O_CLOEXEC };

	*buffer = (struct buffer) { .fd = -1, .mapped_fd = -1 };
	if (own.memory == V4L2_MEMORY_DMABUF) {
		make(memory, device, index, (bytes + PAGE - 1) / PAGE * PAGE, bytes, buffer);
	} else if (own.memory == V4L2_MEMORY_MMAP) {
		CALL(device, VIDIOC_QUERYBUF, &own);
		buffer->mapped_fd = device;
		buffer->offset = plane.m.mem_offset;
		if (type == FRAMES_TYPE && memory == EXPBUF) {
			CALL(device, VIDIOC_EXPBUF, &export);
			*buffer = (struct buffer) { .fd = export.fd, .mapped_fd = export.fd };
		}
	}
	buffer->bytes = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     buffer->mapped_fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, buffer->mapped_fd, buffer->offset);
	if (buffer->bytes == MAP_FAILED)
		fail("mmap");
}

static void queue(uint32_t type, uint32_t index, struct buffer *buffer, uint32_t bytes, uint32_t used)
{
	struct v4l2_plane plane = { .bytesused = used, .length = bytes };
	struct v4l2_buffer wanted = message(type, index, &plane);

	if (wanted.memory == V4L2_MEMORY_DMABUF)
		plane.m.fd = buffer->fd;
	if (wanted.memory == V4L2_MEMORY_USERPTR)
		plane.m.userptr = (unsigned long)buffer->bytes;
	if (type == UNITS_TYPE)
		wanted.timestamp.tv_usec = units++;
	CALL(device, VIDIOC_QBUF, &wanted);
}

static void queue_unit(uint32_t index)
{
	struct buffer *buffer = &unit_buffers[index];
	struct unit unit;

	if (!next_unit(&unit)) {
		struct v4l2_decoder_cmd stop = { .cmd = V4L2_DEC_CMD_STOP };

		if (!stopped)
			CALL(device, VIDIOC_DECODER_CMD, &stop);
		stopped = true;
		return;
	}
	if (unit.length > unit_bytes)
		fail_because("a unit of %u bytes, and buffers of %u", unit.length, unit_bytes);
	memcpy(buffer->bytes, unit.bytes, unit.length);
	queue(UNITS_TYPE, index, buffer, unit_bytes, unit.length);
}

static void queue_frame(uint32_t index)
{
	struct buffer *buffer = &frame_buffers[index];

	if (buffer->fd >= 0)
		sync_cpu(buffer->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(buffer->bytes, WIPED, frame_bytes);
	if (buffer->fd >= 0)
		sync_cpu(buffer->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	queue(FRAMES_TYPE, index, buffer, frame_bytes, 0);
}

static void stream(uint32_t type, bool on)
{
	CALL(device, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

static void start_units(uint32_t fourcc)
{
	struct v4l2_format format = {
		.type = UNITS_TYPE, .fmt.pix_mp = { .pixelformat = fourcc, .num_planes = 1, .plane_fmt[0].sizeimage = 1 << 20 },
	};
	struct v4l2_event_subscription change = { .type = V4L2_EVENT_SOURCE_CHANGE };

	CALL(device, VIDIOC_SUBSCRIBE_EVENT, &change);
	CALL(device, VIDIOC_S_FMT, &format);
	if (format.fmt.pix_mp.pixelformat != fourcc)
		skip("the device does not decode %s", name_of(fourcc));
	unit_bytes = format.fmt.pix_mp.plane_fmt[0].sizeimage;
	if (request(UNITS_TYPE, UNIT_BUFFERS) != UNIT_BUFFERS)
		skip("the device wants another number of unit buffers than %d", UNIT_BUFFERS);
	for (uint32_t i = 0; i < UNIT_BUFFERS; i++) {
		reach(UNITS_TYPE, i, unit_bytes, &unit_buffers[i]);
		queue_unit(i);
	}
	stream(UNITS_TYPE, true);
}

static void stop_frames(void)
{
	if (!streaming)
		return;
	stream(FRAMES_TYPE, false);
	for (uint32_t i = 0; i < frame_count; i++) {
		munmap(frame_buffers[i].bytes, frame_bytes);
		if (frame_buffers[i].fd >= 0)
			close(frame_buffers[i].fd);
	}
	request(FRAMES_TYPE, 0);
	streaming = false;
}

/* The stream's frames are known, or have changed. */
static void start_frames(void)
{
	struct v4l2_format format = { .type = FRAMES_TYPE };
	struct v4l2_selection shown = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .target = V4L2_SEL_TGT_COMPOSE };
	struct v4l2_control needed = { .id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE };

	stop_frames();
	CALL(device, VIDIOC_G_FMT, &format);
	CALL(device, VIDIOC_G_SELECTION, &shown);
	CALL(device, VIDIOC_G_CTRL, &needed);
	frame = format.fmt.pix_mp;
	visible = shown.r;
	frame_bytes = frame.plane_fmt[0].sizeimage;
	if (frame.num_planes != 1)
		skip("frames of %u planes", frame.num_planes);
	frame_count = request(FRAMES_TYPE, (uint32_t)needed.value + MORE_BUFFERS);
	if (frame_count > MOST_FRAMES)
		skip("%u buffers", frame_count);
	printf("SLUICE format %u %u %s %u\n", visible.width, visible.height, name_of(frame.pixelformat), frame_count);
	for (uint32_t i = 0; i < frame_count; i++) {
		reach(FRAMES_TYPE, i, frame_bytes, &frame_buffers[i]);
		queue_frame(i);
	}
	stream(FRAMES_TYPE, true);
	streaming = true;
	changing = false;
	held = -1;
}

static uint32_t checksum(uint32_t crc, const uint8_t *bytes, size_t count)
{
	static uint32_t table[256];

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ 0xEDB88320 : c >> 1;
			table[i] = c;
		}
	for (size_t i = 0; i < count; i++)
		crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
	return crc;
}

/* Of the visible lines of the planes, which follow each other in the buffer. */
static uint32_t checksum_of(const uint8_t *bytes)
{
	uint32_t stride = frame.plane_fmt[0].bytesperline, crc = ~0u;
	bool pairs = frame.pixelformat == V4L2_PIX_FMT_NV12; /* of chroma samples */

	if (!pairs && frame.pixelformat != V4L2_PIX_FMT_YUV420)
		skip("frames of the format %s", name_of(frame.pixelformat));
	for (uint32_t plane = 0; plane < (pairs ? 2 : 3); plane++) {
		uint32_t step = plane == 0 || pairs ? stride : stride / 2;
		uint32_t height = plane == 0 ? frame.height : (frame.height + 1) / 2;
		uint32_t lines = plane == 0 ? visible.height : (visible.height + 1) / 2;
		uint32_t length = plane == 0 ? visible.width : (visible.width + 1) / 2 * (pairs ? 2 : 1);

		for (uint32_t y = 0; y < lines; y++)
			crc = checksum(crc, bytes + (size_t)y * step, length);
		bytes += (size_t)step * height;
	}
	return ~crc;
}

static void look_at(const struct v4l2_buffer *done)
{
	const struct buffer *buffer = &frame_buffers[done->index];
	uint32_t crc;

	if (done->flags & V4L2_BUF_FLAG_ERROR) {
		printf("SLUICE broken %u %ld %u\n", done->sequence, (long)done->timestamp.tv_usec, done->index);
		return;
	}
	if (buffer->fd >= 0)
		sync_cpu(buffer->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	crc = checksum_of(buffer->bytes);
	if (buffer->fd >= 0)
		sync_cpu(buffer->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	printf("SLUICE frame %u %ld %u %08x\n", done->sequence, (long)done->timestamp.tv_usec, done->index, crc);
	frames++;
}

/* Takes a buffer that is done; false if there is none. */
static bool take(uint32_t type, struct v4l2_buffer *done, struct v4l2_plane *plane)
{
	*done = message(type, 0, plane);
	if (ioctl(device, VIDIOC_DQBUF, done) == 0)
		return true;
	if (errno != EAGAIN && errno != EPIPE)
		fail("VIDIOC_DQBUF");
	return false;
}

/* Whether the last frame of the stream, or of its part with this format, has come. */
static bool take_frames(void)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer done;

	while (take(FRAMES_TYPE, &done, &plane)) {
		bool last = done.flags & V4L2_BUF_FLAG_LAST, whole = plane.bytesused > 0 && !(done.flags & V4L2_BUF_FLAG_ERROR);
		int next = whole ? held : (int)done.index;

		if (whole || done.flags & V4L2_BUF_FLAG_ERROR)
			look_at(&done);
		if (whole)
			held = (int)done.index;
		if (last)
			return true;
		if (next >= 0)
			queue_frame((uint32_t)next);
	}
	return false;
}

static void take_units(void)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer done;

	while (take(UNITS_TYPE, &done, &plane)) {
		taken++;
		queue_unit(done.index);
	}
}

static void take_events(void)
{
	struct v4l2_event event;

	while (ioctl(device, VIDIOC_DQEVENT, &event) == 0)
		if (event.type == V4L2_EVENT_SOURCE_CHANGE)
			changing = true;
	if (errno != ENOENT)
		fail("VIDIOC_DQEVENT");
	/* With frames of the old format to come, the last of them comes first. */
	if (changing && !streaming)
		start_frames();
}

static void decode(void)
{
	for (;;) {
		struct pollfd ready = { .fd = device, .events = POLLIN | POLLOUT | POLLPRI };

		if (taken == units && stopped)
			ready.events &= ~POLLOUT;
		if (poll(&ready, 1, PATIENCE_MS) != 1)
			fail_because("nothing has come within %d ms", PATIENCE_MS);
		if (ready.revents & POLLERR)
			fail_because("the device has failed");
		if (ready.revents & POLLPRI)
			take_events();
		if (ready.revents & POLLOUT)
			take_units();
		if (ready.revents & POLLIN && streaming && take_frames()) {
			take_events();
			if (!changing)
				return;
			start_frames();
		}
	}
}

/* The bytes of the last frame's buffer, as pixels. */
static void show(void)
{
	struct screen screen = { .card = drm_card("virtio_gpu") };
	struct drm_prime_handle prime = { .fd = held < 0 ? -1 : frame_buffers[held].fd };
	uint32_t framebuffer;
	char line[16];

	if (screen.card < 0)
		skip("no card of the driver virtio_gpu: it needs CONFIG_DRM_VIRTIO_GPU");
	if (prime.fd < 0)
		skip("memory that is no dma-buf");
	choose_screen(&screen);
	if ((uint64_t)screen.width * screen.height * 4 > frame_bytes)
		skip("a frame of %u bytes does not fill a screen of %ux%u", frame_bytes, screen.width, screen.height);
	CALL(screen.card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	framebuffer = add_framebuffer(&screen, prime.handle, screen.width * 4);
	if (framebuffer == 0)
		fail("DRM_IOCTL_MODE_ADDFB2");
	set_mode(&screen, framebuffer);
	wait_for_device(&screen);
	printf("SLUICE shown %u %u\n", screen.width, screen.height);
	while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0)
		;
}

static enum memory memory_named(const char *name)
{
	for (unsigned int i = 0; i < sizeof memories / sizeof *memories; i++)
		if (strcmp(memories[i], name) == 0)
			return i;
	fprintf(stderr, "decode: no memory %s\n", name);
	exit(2);
}

int main(int count, char **arguments)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count < 5 || count > 6 || strlen(arguments[2]) != 4 || (count == 6 && strcmp(arguments[5], "shown") != 0)) {
		fprintf(stderr, "usage: decode DEVICE CODED FILE MEMORY [shown]\n");
		return 2;
	}
	memory = memory_named(arguments[4]);
	read_file(arguments[3]);
	device = arguments[1][0] == '/' ? open_or_fail(arguments[1]) : video_node(arguments[1]);
	if (device < 0)
		skip("no video node of the name %s", arguments[1]);
	if (fcntl(device, F_SETFL, O_NONBLOCK) < 0)
		fail("fcntl");
	start_units(v4l2_fourcc(arguments[2][0], arguments[2][1], arguments[2][2], arguments[2][3]));
	decode();
	printf("SLUICE decoded %u of %u\n", frames, units);
	if (count == 6)
		show();
	return 0;
}
