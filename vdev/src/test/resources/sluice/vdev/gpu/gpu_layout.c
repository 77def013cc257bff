/* Prints what linux/virtio_gpu.h of this machine says, one "name=value" a line, for WireLayoutTest. */
#include <stddef.h>
#include <stdio.h>
#include <linux/virtio_gpu.h>

#define NUMBER(name, value) printf("%s=%lld\n", name, (long long) (value))
#define CONSTANT(name) NUMBER(#name, name)
#define SIZE(type) NUMBER("sizeof " #type, sizeof(struct virtio_gpu_##type))
#define OFFSET(type, field) NUMBER(#type "." #field, offsetof(struct virtio_gpu_##type, field))
#define COMMAND(name, type) \
    CONSTANT(VIRTIO_GPU_CMD_##name); \
    NUMBER("least bytes of " #name, sizeof(struct virtio_gpu_##type))
#define RESPONSE(name) CONSTANT(VIRTIO_GPU_RESP_##name)
#define FORMAT(name) CONSTANT(VIRTIO_GPU_FORMAT_##name##_UNORM)

static void numbers(void)
{
    COMMAND(GET_DISPLAY_INFO, ctrl_hdr);
    COMMAND(RESOURCE_CREATE_2D, resource_create_2d);
    COMMAND(RESOURCE_UNREF, resource_unref);
    COMMAND(SET_SCANOUT, set_scanout);
    COMMAND(RESOURCE_FLUSH, resource_flush);
    COMMAND(TRANSFER_TO_HOST_2D, transfer_to_host_2d);
    COMMAND(RESOURCE_ATTACH_BACKING, resource_attach_backing);
    COMMAND(RESOURCE_DETACH_BACKING, resource_detach_backing);
    COMMAND(GET_CAPSET_INFO, get_capset_info);
    COMMAND(GET_CAPSET, get_capset);
    COMMAND(GET_EDID, cmd_get_edid);
    COMMAND(RESOURCE_ASSIGN_UUID, resource_assign_uuid);
    COMMAND(RESOURCE_CREATE_BLOB, resource_create_blob);
    COMMAND(SET_SCANOUT_BLOB, set_scanout_blob);
    COMMAND(CTX_CREATE, ctx_create);
    COMMAND(CTX_DESTROY, ctx_destroy);
    COMMAND(CTX_ATTACH_RESOURCE, ctx_resource);
    COMMAND(CTX_DETACH_RESOURCE, ctx_resource);
    COMMAND(TRANSFER_TO_HOST_3D, transfer_host_3d);
    COMMAND(SUBMIT_3D, cmd_submit);
    COMMAND(RESOURCE_MAP_BLOB, resource_map_blob);
    COMMAND(RESOURCE_UNMAP_BLOB, resource_unmap_blob);
    COMMAND(UPDATE_CURSOR, update_cursor);
    COMMAND(MOVE_CURSOR, update_cursor);
    RESPONSE(OK_NODATA);
    RESPONSE(OK_DISPLAY_INFO);
    RESPONSE(OK_CAPSET_INFO);
    RESPONSE(OK_CAPSET);
    RESPONSE(OK_EDID);
    RESPONSE(OK_RESOURCE_UUID);
    RESPONSE(OK_MAP_INFO);
    RESPONSE(ERR_UNSPEC);
    RESPONSE(ERR_OUT_OF_MEMORY);
    RESPONSE(ERR_INVALID_SCANOUT_ID);
    RESPONSE(ERR_INVALID_RESOURCE_ID);
    RESPONSE(ERR_INVALID_CONTEXT_ID);
    RESPONSE(ERR_INVALID_PARAMETER);
    FORMAT(B8G8R8A8);
    FORMAT(B8G8R8X8);
    FORMAT(A8R8G8B8);
    FORMAT(X8R8G8B8);
    FORMAT(R8G8B8A8);
    FORMAT(X8B8G8R8);
    FORMAT(A8B8G8R8);
    FORMAT(R8G8B8X8);
    CONSTANT(VIRTIO_GPU_FLAG_FENCE);
    CONSTANT(VIRTIO_GPU_FLAG_INFO_RING_IDX);
    CONSTANT(VIRTIO_GPU_MAP_CACHE_CACHED);
    CONSTANT(VIRTIO_GPU_SHM_ID_HOST_VISIBLE);
    CONSTANT(VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK);
    CONSTANT(VIRTIO_GPU_BLOB_MEM_GUEST);
    CONSTANT(VIRTIO_GPU_BLOB_MEM_HOST3D);
    CONSTANT(VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST);
    NUMBER("all of VIRTIO_GPU_BLOB_FLAG_USE_*", VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE | VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
           VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE);
    CONSTANT(VIRTIO_GPU_MAX_SCANOUTS);
}

static void commands(void)
{
    OFFSET(ctrl_hdr, type);
    OFFSET(ctrl_hdr, flags);
    OFFSET(ctrl_hdr, fence_id);
    OFFSET(ctrl_hdr, ctx_id);
    OFFSET(ctrl_hdr, ring_idx);
    SIZE(ctrl_hdr);
    OFFSET(rect, x);
    OFFSET(rect, y);
    OFFSET(rect, width);
    OFFSET(rect, height);
    SIZE(rect);
    OFFSET(cmd_get_edid, scanout);
    OFFSET(resource_create_2d, resource_id);
    OFFSET(resource_create_2d, format);
    OFFSET(resource_create_2d, width);
    OFFSET(resource_create_2d, height);
    OFFSET(resource_unref, resource_id);
    OFFSET(resource_detach_backing, resource_id);
    OFFSET(set_scanout, r);
    OFFSET(set_scanout, scanout_id);
    OFFSET(set_scanout, resource_id);
    OFFSET(resource_flush, r);
    OFFSET(resource_flush, resource_id);
    OFFSET(transfer_to_host_2d, r);
    OFFSET(transfer_to_host_2d, offset);
    OFFSET(transfer_to_host_2d, resource_id);
    OFFSET(resource_attach_backing, resource_id);
    OFFSET(resource_attach_backing, nr_entries);
    OFFSET(mem_entry, addr);
    OFFSET(mem_entry, length);
    SIZE(mem_entry);
    OFFSET(resource_create_blob, resource_id);
    OFFSET(resource_create_blob, blob_mem);
    OFFSET(resource_create_blob, blob_flags);
    OFFSET(resource_create_blob, nr_entries);
    OFFSET(resource_create_blob, blob_id);
    OFFSET(resource_create_blob, size);
    OFFSET(set_scanout_blob, r);
    OFFSET(set_scanout_blob, scanout_id);
    OFFSET(set_scanout_blob, resource_id);
    OFFSET(set_scanout_blob, width);
    OFFSET(set_scanout_blob, height);
    OFFSET(set_scanout_blob, format);
    OFFSET(set_scanout_blob, strides);
    OFFSET(set_scanout_blob, offsets);
    OFFSET(get_capset_info, capset_index);
    OFFSET(get_capset, capset_id);
    OFFSET(get_capset, capset_version);
    OFFSET(ctx_create, nlen);
    OFFSET(ctx_create, context_init);
    NUMBER("sizeof ctx_create.debug_name", sizeof(((struct virtio_gpu_ctx_create *) 0)->debug_name));
    OFFSET(ctx_resource, resource_id);
    OFFSET(transfer_host_3d, box);
    OFFSET(box, w);
    OFFSET(transfer_host_3d, offset);
    OFFSET(transfer_host_3d, resource_id);
    OFFSET(cmd_submit, size);
    OFFSET(resource_map_blob, resource_id);
    OFFSET(resource_map_blob, offset);
    OFFSET(resource_unmap_blob, resource_id);
    OFFSET(update_cursor, pos.scanout_id);
    OFFSET(update_cursor, pos.x);
    OFFSET(update_cursor, pos.y);
    OFFSET(update_cursor, resource_id);
    OFFSET(update_cursor, hot_x);
    OFFSET(update_cursor, hot_y);
}

static void responses(void)
{
    OFFSET(resp_display_info, pmodes);
    SIZE(display_one);
    OFFSET(display_one, enabled);
    SIZE(resp_display_info);
    OFFSET(resp_capset_info, capset_id);
    OFFSET(resp_capset_info, capset_max_version);
    OFFSET(resp_capset_info, capset_max_size);
    SIZE(resp_capset_info);
    OFFSET(resp_capset, capset_data);
    OFFSET(resp_map_info, map_info);
    SIZE(resp_map_info);
    OFFSET(resp_edid, size);
    OFFSET(resp_edid, edid);
    NUMBER("sizeof resp_edid.edid", sizeof(((struct virtio_gpu_resp_edid *) 0)->edid));
    SIZE(resp_edid);
    OFFSET(resp_resource_uuid, uuid);
    NUMBER("sizeof resp_resource_uuid.uuid", sizeof(((struct virtio_gpu_resp_resource_uuid *) 0)->uuid));
    SIZE(resp_resource_uuid);
    OFFSET(config, events_read);
    OFFSET(config, events_clear);
    OFFSET(config, num_scanouts);
    OFFSET(config, num_capsets);
    NUMBER("end of config.num_capsets", offsetof(struct virtio_gpu_config, num_capsets) + sizeof(__u32));
}

int main(void)
{
    numbers();
    commands();
    responses();
    return 0;
}
