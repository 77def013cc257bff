/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of virtio-gpu, in which a program has resources of host memory: as in include/uapi/drm/virtgpu_drm.h since Linux 5.16. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "buffers.h"

#define CAPSET 30 /* sluice.vdev.gpu.Contexts */
#define PARAM_CAPSET_ID 1
#define NAME_OBJECT 0x00060001 /* sluice.vdev.gpu.ContextStream */

struct context_init {
	uint32_t count, pad;
	uint64_t parameters;
};

struct context_parameter {
	uint64_t parameter, value;
};

#define CONTEXT_INIT DRM_IOWR(DRM_COMMAND_BASE + 0x0b, struct context_init)

/* Gives the card's file a context of the GPU's own type. */
static inline void make_context(int card)
{
	struct context_parameter type = { .parameter = PARAM_CAPSET_ID, .value = CAPSET };
	struct context_init init = { .count = 1, .parameters = (uintptr_t)&type };

	CALL(card, CONTEXT_INIT, &init);
}

/* A resource of what another device exports under a UUID; `id` is any number that no other blob of the context has. Returns its handle. */
static inline uint32_t resource_of_object(int card, const uint8_t uuid[16], uint64_t id, size_t size)
{
	struct {
		uint32_t code;
		uint32_t id[2];
		uint8_t uuid[16];
	} name = { .code = NAME_OBJECT, .id = { (uint32_t)id, (uint32_t)(id >> 32) } };
	struct create_blob create = {
		.mem = MEM_HOST3D, .size = (size + PAGE - 1) / PAGE * PAGE, .blob_id = id,
		.command = (uintptr_t)&name, .command_size = sizeof name,
	};

	memcpy(name.uuid, uuid, sizeof name.uuid);
	CALL(card, CREATE_BLOB, &create);
	return create.handle;
}

#endif
