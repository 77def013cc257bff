/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A picture's way through four devices without a copy: a grabber writes it into the buffer of an encoder, whose unit a decoder reads,
 * which writes the picture into a buffer of the GPU, which shows it.
 *
 *   chain PICTURES [object] [forget]
 *
 *   object   the GPU's buffers are blobs that other virtio devices know by their UUIDs; otherwise dumb buffers
 *   forget   a mistake: the grabber's pictures are queued with V4L2_BUF_FLAG_NO_CACHE_CLEAN, as if they were in no cache. The grabber
 *            snoops, so they may be; an encoder that does not snoop finds what memory has, an older picture
 *
 * The encoder's and the decoder's driver is kmod/media, the grabber's dt3155; the coding is the test coding of sluice's codec, which loses
 * nothing. Each picture is a line
 *
 *   SLUICE picture N CRC NUMBER   its index, and of what the decoder has written the CRC-32 and the first four bytes of luma
 *
 * and the last is on the screen after "SLUICE shown WIDTH HEIGHT", until a line "quit" comes. The screen has the first bytes of luma, four
 * in a pixel. Exit: 0; 1 after "SLUICE error ..."; 4 after "SLUICE skip ...".
 */
#define _GNU_SOURCE
#include <linux/videodev2.h>

#include "exporters.h"
#include "screen.h"

#define CODING v4l2_fourcc('S', 'L', 'P', 'L')
#define GRABBED 3 /* pictures that the grabber and the encoder share; the grabber begins with two */
#define CODED 2
#define SHOWN 6 /* pictures of the GPU */
#define LIMIT_S 90

static const uint32_t IN = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE, OUT = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
static int grabber, encoder, decoder;
static uint32_t width, height, luma, picture_bytes, unit_bytes, shown_bytes;
static int grabbed[GRABBED], coded[CODED], shown[SHOWN];
static enum memory shown_memory = BLOB;
static uint32_t hints; /* for the grabber's pictures */

static uint32_t checksum(const uint8_t *bytes, uint32_t count)
{
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
	}
	return ~crc;
}

static int node(const char *name)
{
	int device = video_node(name);

	if (device < 0)
		skip("no video node of the name %s", name);
	return device;
}

/* Returns the bytes of a buffer. */
static uint32_t set_format(int codec, uint32_t type, uint32_t fourcc, uint32_t bytes)
{
	struct v4l2_format format = {
		.type = type,
		.fmt.pix_mp = {
			.width = width, .height = height, .pixelformat = fourcc, .num_planes = 1, .plane_fmt[0].sizeimage = bytes,
		},
	};

	CALL(codec, VIDIOC_S_FMT, &format);
	if (format.fmt.pix_mp.pixelformat != fourcc)
		skip("the device does not have the test coding");
	if (fourcc != CODING && (format.fmt.pix_mp.width != width || format.fmt.pix_mp.height != height ||
				 format.fmt.pix_mp.plane_fmt[0].bytesperline != width))
		fail_because("a format of %ux%u, lines of %u bytes", format.fmt.pix_mp.width, format.fmt.pix_mp.height,
			     format.fmt.pix_mp.plane_fmt[0].bytesperline);
	return format.fmt.pix_mp.plane_fmt[0].sizeimage;
}

static void request(int device, uint32_t type, uint32_t memory, uint32_t count)
{
	struct v4l2_requestbuffers request = { .count = count, .type = type, .memory = memory };

	CALL(device, VIDIOC_REQBUFS, &request);
	if (request.count != count)
		fail_because("%u buffers of %u", request.count, count);
}

static void stream(int device, uint32_t type)
{
	CALL(device, VIDIOC_STREAMON, &type);
}

/* Buffers of the codec's driver, exported. */
static void export_all(uint32_t type, int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct v4l2_exportbuffer export = { .type = type, .index = i, .flags = O_RDWR | O_CLOEXEC };

		CALL(encoder, VIDIOC_EXPBUF, &export);
		fds[i] = export.fd;
	}
}

static void queue(int codec, uint32_t type, uint32_t memory, uint32_t index, int fd, uint32_t used)
{
	struct v4l2_plane plane = { .bytesused = used };
	struct v4l2_buffer buffer = {
		.type = type, .memory = memory, .index = index, .length = 1, .m.planes = &plane,
		.flags = codec == encoder && type == IN ? hints : 0,
	};

	if (memory == V4L2_MEMORY_DMABUF) {
		plane.m.fd = fd;
		plane.length = (uint32_t)lseek(fd, 0, SEEK_END);
	}
	CALL(codec, VIDIOC_QBUF, &buffer);
}

/* Waits for a buffer; its bytes are in `used`. */
static uint32_t done(int codec, uint32_t type, uint32_t memory, uint32_t *used)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer buffer = { .type = type, .memory = memory, .length = 1, .m.planes = &plane };

	CALL(codec, VIDIOC_DQBUF, &buffer);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		fail_because("buffer %u of queue %u came back with an error", buffer.index, type);
	*used = plane.bytesused;
	return buffer.index;
}

static void grab(uint32_t index)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF, .index = index, .m.fd = grabbed[index],
	};

	CALL(grabber, VIDIOC_QBUF, &buffer);
}

static uint32_t grabbed_one(void)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF };

	CALL(grabber, VIDIOC_DQBUF, &buffer);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		fail_because("the grabber's buffer %u came back with an error", buffer.index);
	return buffer.index;
}

static uint8_t *map(int fd, uint32_t bytes)
{
	uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		fail("mmap");
	return at;
}

/* The grabber has no colour: chroma is grey, and stays so. */
static void make_grey(int fd)
{
	uint8_t *bytes = map(fd, picture_bytes);

	sync_cpu(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(bytes, 128, picture_bytes);
	sync_cpu(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(bytes, picture_bytes);
}

static void set_up(void)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	uint32_t coded_bytes;

	grabber = node("dt3155");
	encoder = node("encoder");
	decoder = node("decoder");
	CALL(grabber, VIDIOC_G_FMT, &format);
	width = format.fmt.pix.width;
	height = format.fmt.pix.height;
	luma = width * height;
	unit_bytes = luma * 2;
	set_format(encoder, OUT, CODING, unit_bytes);
	picture_bytes = set_format(encoder, IN, V4L2_PIX_FMT_YUV420, 0);
	coded_bytes = set_format(decoder, IN, CODING, unit_bytes);
	shown_bytes = set_format(decoder, OUT, V4L2_PIX_FMT_YUV420, 0);
	request(encoder, IN, V4L2_MEMORY_MMAP, GRABBED);
	request(encoder, OUT, V4L2_MEMORY_MMAP, CODED);
	request(grabber, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_MEMORY_DMABUF, GRABBED);
	request(decoder, IN, V4L2_MEMORY_DMABUF, CODED);
	request(decoder, OUT, V4L2_MEMORY_DMABUF, SHOWN);
	export_all(IN, grabbed, GRABBED);
	export_all(OUT, coded, CODED);
	if (coded_bytes > unit_bytes)
		fail_because("the decoder wants units of %u bytes", coded_bytes);
	for (uint32_t i = 0; i < GRABBED; i++) {
		make_grey(grabbed[i]);
		grab(i);
	}
	for (uint32_t i = 0; i < SHOWN; i++) {
		struct buffer buffer;

		make(shown_memory, decoder, i, (shown_bytes + PAGE - 1) / PAGE * PAGE, shown_bytes, &buffer);
		shown[i] = buffer.fd;
	}
}

/* A picture through encoder and decoder; returns the buffer that it is in. */
static uint32_t pass(uint32_t from)
{
	uint32_t used, index;

	queue(encoder, OUT, V4L2_MEMORY_MMAP, 0, -1, 0);
	queue(encoder, IN, V4L2_MEMORY_MMAP, from, -1, luma * 3 / 2);
	done(encoder, IN, V4L2_MEMORY_MMAP, &used);
	done(encoder, OUT, V4L2_MEMORY_MMAP, &used);
	queue(decoder, IN, V4L2_MEMORY_DMABUF, 0, coded[0], used);
	index = done(decoder, OUT, V4L2_MEMORY_DMABUF, &used);
	done(decoder, IN, V4L2_MEMORY_DMABUF, &used);
	return index;
}

static void look_at(long n, int fd)
{
	uint8_t *bytes = map(fd, shown_bytes);

	sync_cpu(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	printf("SLUICE picture %ld %08x %08x\n", n, checksum(bytes, luma), number(bytes));
	sync_cpu(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	munmap(bytes, shown_bytes);
}

static void show(int fd)
{
	struct screen screen = { .card = virtio_gpu(true) };
	struct drm_prime_handle prime = { .fd = fd };
	uint32_t framebuffer;
	char line[16];

	choose_screen(&screen);
	if ((uint64_t)screen.width * screen.height * 4 > luma)
		skip("luma of %u bytes does not fill a screen of %ux%u", luma, screen.width, screen.height);
	CALL(screen.card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	framebuffer = add_framebuffer(&screen, prime.handle, screen.width * 4);
	if (framebuffer == 0)
		fail("DRM_IOCTL_MODE_ADDFB2");
	set_mode(&screen, framebuffer);
	wait_for_device(&screen);
	printf("SLUICE shown %u %u\n", screen.width, screen.height);
	alarm(0);
	while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0)
		;
}

int main(int count, char **arguments)
{
	long pictures = count > 1 ? strtol(arguments[1], NULL, 10) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 2; i < count; i++) {
		if (strcmp(arguments[i], "object") == 0)
			shown_memory = OBJECT;
		else if (strcmp(arguments[i], "forget") == 0)
			hints = V4L2_BUF_FLAG_NO_CACHE_CLEAN;
		else
			pictures = 0;
	}
	if (pictures < 1) {
		fprintf(stderr, "usage: chain PICTURES [object] [forget]\n");
		return 2;
	}
	alarm(LIMIT_S);
	set_up();
	for (uint32_t i = 0; i < SHOWN; i++)
		queue(decoder, OUT, V4L2_MEMORY_DMABUF, i, shown[i], 0);
	stream(encoder, IN);
	stream(encoder, OUT);
	stream(decoder, IN);
	stream(decoder, OUT);
	stream(grabber, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	for (long n = 0; n < pictures; n++) {
		uint32_t from = grabbed_one(), to = pass(from);

		grab(from);
		look_at(n, shown[to]);
		if (n == pictures - 1)
			show(shown[to]);
		else
			queue(decoder, OUT, V4L2_MEMORY_DMABUF, to, shown[to], 0);
	}
	return 0;
}
