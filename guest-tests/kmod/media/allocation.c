// SPDX-License-Identifier: GPL-2.0
/* REQBUFS and CREATE_BUFS: videobuf2 and the device have the same buffers, whoever's their memory is. */
#include <media/v4l2-ioctl.h>

#include "media.h"

/* Tells the device how many buffers there are; it may want more. */
static int media_say_count(struct file *file, struct v4l2_requestbuffers *request, u32 *count)
{
	struct media_queue *queue = media_queue_of(media_session_of(file), request->type);
	struct v4l2_requestbuffers said = { .count = *count, .type = request->type };
	int error;

	media_choose_memory(queue, request->memory);
	said.memory = queue->memory;
	error = media_device_ioctl(file, VIDIOC_REQBUFS, &said);
	*count = said.count;
	return error;
}

/* Buffers that are the device's, and those that are the guest's, are freed before the others come. */
static int media_free_others(struct file *file, struct v4l2_requestbuffers *request)
{
	struct media_queue *queue = media_queue_of(media_session_of(file), request->type);
	struct v4l2_requestbuffers none = { .type = request->type, .memory = queue->vb2.memory };
	u32 count = 0;
	int error;

	if (!vb2_get_num_buffers(&queue->vb2) || media_is_device_memory(queue, none.memory) == media_is_device_memory(queue, request->memory))
		return 0;
	error = media_say_count(file, &none, &count);
	return error ? error : vb2_reqbufs(&queue->vb2, &none);
}

int media_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *request)
{
	struct vb2_queue *vb2 = media_vb2(file, request->type);
	u32 count = request->count;
	int error = vb2_verify_memory_type(vb2, request->memory, request->type);

	/* videobuf2 tells what it can do even then. */
	if (error || vb2_is_streaming(vb2))
		return vb2_reqbufs(vb2, request);
	error = media_free_others(file, request);
	if (error)
		return error;
	/* With what it has, the device is done before that is freed. */
	error = media_say_count(file, request, &count);
	if (error)
		return error;
	request->count = count;
	error = vb2_reqbufs(vb2, request);
	if (error)
		request->count = 0;
	if (request->count != count) {
		count = request->count;
		media_say_count(file, request, &count);
	}
	return error;
}

/* Buffers of the device are there before videobuf2 finds them. */
static int media_create_device_bufs(struct file *file, struct v4l2_create_buffers *create)
{
	struct vb2_queue *vb2 = media_vb2(file, create->format.type);
	struct v4l2_create_buffers said = *create;
	struct v4l2_remove_buffers unused = { .type = create->format.type };
	int error;

	said.memory = V4L2_MEMORY_MMAP;
	error = media_device_ioctl(file, VIDIOC_CREATE_BUFS, &said);
	if (error)
		return error;
	create->count = said.count;
	error = vb2_create_bufs(vb2, create);
	if (!error && create->index == said.index && create->count == said.count)
		return 0;
	if (!error)
		vb2_core_remove_bufs(vb2, create->index, create->count);
	unused.index = said.index;
	unused.count = said.count;
	media_device_ioctl(file, VIDIOC_REMOVE_BUFS, &unused);
	return error ? error : -ENOMEM;
}

int media_create_bufs(struct file *file, void *priv, struct v4l2_create_buffers *create)
{
	struct media_queue *queue = media_queue_of(media_session_of(file), create->format.type);
	struct v4l2_create_buffers said;
	int error;

	if (create->count == 0)
		return vb2_create_bufs(&queue->vb2, create);
	if (!vb2_get_num_buffers(&queue->vb2) && !vb2_verify_memory_type(&queue->vb2, create->memory, create->format.type))
		media_choose_memory(queue, create->memory);
	if (media_is_device_memory(queue, create->memory))
		return media_create_device_bufs(file, create);
	error = vb2_create_bufs(&queue->vb2, create);
	if (error)
		return error;
	said = *create;
	said.memory = queue->memory;
	error = media_device_ioctl(file, VIDIOC_CREATE_BUFS, &said);
	if (!error && (said.index != create->index || said.count != create->count))
		error = -ENOMEM;
	if (error)
		vb2_core_remove_bufs(&queue->vb2, create->index, create->count);
	return error;
}
