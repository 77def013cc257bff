package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Our numbers against those of linux/virtio_gpu.h of this machine, printed by {@code gpu_layout.c}. */
class WireLayoutTest {
    private static final long LIMIT_SECONDS = 60;

    @Test
    void numbersAreThoseOfTheCHeader(@TempDir Path directory) throws Exception {
        Map<String, Integer> actual = new TreeMap<>();
        for (String line : compileAndRun(directory).lines().toList()) {
            int split = line.lastIndexOf('=');
            actual.put(line.substring(0, split), Integer.valueOf(line.substring(split + 1)));
        }
        assertThat(actual).containsExactlyEntriesOf(ours());
    }

    private static Map<String, Integer> ours() {
        Map<String, Integer> values = new TreeMap<>();
        for (CommandType type : CommandType.values()) {
            values.put("VIRTIO_GPU_CMD_" + type.name(), type.wireNumber());
            values.put("least bytes of " + type.name(), type.bytes());
        }
        for (Response response : Response.values()) {
            values.put("VIRTIO_GPU_RESP_" + response.name(), response.wireNumber());
        }
        for (PixelFormat format : PixelFormat.values()) {
            values.put("VIRTIO_GPU_FORMAT_" + format.name() + "_UNORM", format.wireNumber());
        }
        for (BlobMemory memory : BlobMemory.values()) {
            values.put("VIRTIO_GPU_BLOB_MEM_" + memory.name(), memory.wireNumber());
        }
        values.put("all of VIRTIO_GPU_BLOB_FLAG_USE_*", BlobMemory.FLAGS);
        values.put("VIRTIO_GPU_FLAG_FENCE", Wire.Header.FLAG_FENCE);
        values.put("VIRTIO_GPU_FLAG_INFO_RING_IDX", Wire.Header.FLAG_INFO_RING_IDX);
        values.put("VIRTIO_GPU_MAP_CACHE_CACHED", Wire.MapInfo.CACHED);
        values.put("VIRTIO_GPU_SHM_ID_HOST_VISIBLE", Wire.SHM_ID_HOST_VISIBLE);
        values.put("VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK", Contexts.CAPSET_MASK);
        values.put("VIRTIO_GPU_MAX_SCANOUTS", Scanouts.MAX);
        putCommands(values);
        putResponses(values);
        return values;
    }

    private static void putCommands(Map<String, Integer> values) {
        values.put("ctrl_hdr.type", Wire.Header.TYPE);
        values.put("ctrl_hdr.flags", Wire.Header.FLAGS);
        values.put("ctrl_hdr.fence_id", Wire.Header.FENCE_ID);
        values.put("ctrl_hdr.ctx_id", Wire.Header.CTX_ID);
        values.put("ctrl_hdr.ring_idx", Wire.Header.RING_IDX);
        values.put("sizeof ctrl_hdr", Wire.Header.BYTES);
        values.put("rect.x", Wire.Rect.X);
        values.put("rect.y", Wire.Rect.Y);
        values.put("rect.width", Wire.Rect.WIDTH);
        values.put("rect.height", Wire.Rect.HEIGHT);
        values.put("sizeof rect", Wire.Rect.BYTES);
        values.put("cmd_get_edid.scanout", Wire.GetEdid.SCANOUT);
        values.put("resource_create_2d.resource_id", Wire.ResourceCreate2d.RESOURCE_ID);
        values.put("resource_create_2d.format", Wire.ResourceCreate2d.FORMAT);
        values.put("resource_create_2d.width", Wire.ResourceCreate2d.WIDTH);
        values.put("resource_create_2d.height", Wire.ResourceCreate2d.HEIGHT);
        values.put("resource_unref.resource_id", Wire.ResourceOnly.RESOURCE_ID);
        values.put("resource_detach_backing.resource_id", Wire.ResourceOnly.RESOURCE_ID);
        values.put("set_scanout.r", Wire.SetScanout.RECT);
        values.put("set_scanout.scanout_id", Wire.SetScanout.SCANOUT_ID);
        values.put("set_scanout.resource_id", Wire.SetScanout.RESOURCE_ID);
        values.put("resource_flush.r", Wire.ResourceFlush.RECT);
        values.put("resource_flush.resource_id", Wire.ResourceFlush.RESOURCE_ID);
        values.put("transfer_to_host_2d.r", Wire.TransferToHost2d.RECT);
        values.put("transfer_to_host_2d.offset", Wire.TransferToHost2d.OFFSET);
        values.put("transfer_to_host_2d.resource_id", Wire.TransferToHost2d.RESOURCE_ID);
        values.put("resource_attach_backing.resource_id", Wire.ResourceAttachBacking.RESOURCE_ID);
        values.put("resource_attach_backing.nr_entries", Wire.ResourceAttachBacking.NR_ENTRIES);
        values.put("mem_entry.addr", 0);
        values.put("mem_entry.length", Wire.ResourceAttachBacking.ENTRY_LENGTH);
        values.put("sizeof mem_entry", Wire.ResourceAttachBacking.ENTRY_BYTES);
        values.put("resource_create_blob.resource_id", Wire.ResourceCreateBlob.RESOURCE_ID);
        values.put("resource_create_blob.blob_mem", Wire.ResourceCreateBlob.BLOB_MEM);
        values.put("resource_create_blob.blob_flags", Wire.ResourceCreateBlob.BLOB_FLAGS);
        values.put("resource_create_blob.nr_entries", Wire.ResourceCreateBlob.NR_ENTRIES);
        values.put("resource_create_blob.blob_id", Wire.ResourceCreateBlob.BLOB_ID);
        values.put("resource_create_blob.size", Wire.ResourceCreateBlob.SIZE);
        values.put("set_scanout_blob.r", Wire.SetScanoutBlob.RECT);
        values.put("set_scanout_blob.scanout_id", Wire.SetScanoutBlob.SCANOUT_ID);
        values.put("set_scanout_blob.resource_id", Wire.SetScanoutBlob.RESOURCE_ID);
        values.put("set_scanout_blob.width", Wire.SetScanoutBlob.WIDTH);
        values.put("set_scanout_blob.height", Wire.SetScanoutBlob.HEIGHT);
        values.put("set_scanout_blob.format", Wire.SetScanoutBlob.FORMAT);
        values.put("set_scanout_blob.strides", Wire.SetScanoutBlob.STRIDES);
        values.put("set_scanout_blob.offsets", Wire.SetScanoutBlob.OFFSETS);
        values.put("get_capset_info.capset_index", Wire.GetCapsetInfo.INDEX);
        values.put("get_capset.capset_id", Wire.GetCapset.ID);
        values.put("get_capset.capset_version", Wire.GetCapset.VERSION);
        values.put("ctx_create.nlen", Wire.ContextCreate.NAME_LENGTH);
        values.put("ctx_create.context_init", Wire.ContextCreate.CONTEXT_INIT);
        values.put("sizeof ctx_create.debug_name", Wire.ContextCreate.NAME_BYTES);
        values.put("ctx_resource.resource_id", Wire.ResourceOnly.RESOURCE_ID);
        values.put("transfer_host_3d.box", Wire.TransferHost3d.BOX);
        values.put("box.w", 3 * Integer.BYTES);
        values.put("transfer_host_3d.offset", Wire.TransferHost3d.OFFSET);
        values.put("transfer_host_3d.resource_id", Wire.TransferHost3d.RESOURCE_ID);
        values.put("cmd_submit.size", Wire.Submit3d.SIZE);
        values.put("resource_map_blob.resource_id", Wire.ResourceMapBlob.RESOURCE_ID);
        values.put("resource_map_blob.offset", Wire.ResourceMapBlob.OFFSET);
        values.put("resource_unmap_blob.resource_id", Wire.ResourceOnly.RESOURCE_ID);
        values.put("update_cursor.pos.scanout_id", Wire.Cursor.SCANOUT_ID);
        values.put("update_cursor.pos.x", Wire.Cursor.X);
        values.put("update_cursor.pos.y", Wire.Cursor.Y);
        values.put("update_cursor.resource_id", Wire.Cursor.RESOURCE_ID);
        values.put("update_cursor.hot_x", Wire.Cursor.HOT_X);
        values.put("update_cursor.hot_y", Wire.Cursor.HOT_Y);
    }

    private static void putResponses(Map<String, Integer> values) {
        values.put("resp_display_info.pmodes", Wire.DisplayInfo.MODES);
        values.put("sizeof display_one", Wire.DisplayInfo.MODE_BYTES);
        values.put("display_one.enabled", Wire.DisplayInfo.ENABLED);
        values.put("sizeof resp_display_info", Wire.DisplayInfo.BYTES);
        values.put("resp_capset_info.capset_id", Wire.CapsetInfo.ID);
        values.put("resp_capset_info.capset_max_version", Wire.CapsetInfo.MAX_VERSION);
        values.put("resp_capset_info.capset_max_size", Wire.CapsetInfo.MAX_SIZE);
        values.put("sizeof resp_capset_info", Wire.CapsetInfo.BYTES);
        values.put("resp_capset.capset_data", Wire.Capset.VERSION);
        values.put("resp_map_info.map_info", Wire.MapInfo.INFO);
        values.put("sizeof resp_map_info", Wire.MapInfo.BYTES);
        values.put("resp_edid.size", Wire.Edid.SIZE);
        values.put("resp_edid.edid", Wire.Edid.DATA);
        values.put("sizeof resp_edid.edid", Wire.Edid.MAX_DATA);
        values.put("sizeof resp_edid", Wire.Edid.BYTES);
        values.put("resp_resource_uuid.uuid", Wire.ResourceUuid.UUID);
        values.put("sizeof resp_resource_uuid.uuid", Wire.ResourceUuid.UUID_BYTES);
        values.put("sizeof resp_resource_uuid", Wire.ResourceUuid.BYTES);
        values.put("config.events_read", Wire.Config.EVENTS_READ);
        values.put("config.events_clear", Wire.Config.EVENTS_CLEAR);
        values.put("config.num_scanouts", Wire.Config.NUM_SCANOUTS);
        values.put("config.num_capsets", Wire.Config.NUM_CAPSETS);
        // blob_alignment is younger than the headers of most machines: it follows what they have.
        values.put("end of config.num_capsets", Wire.Config.BLOB_ALIGNMENT);
    }

    private static String compileAndRun(Path directory) throws IOException, InterruptedException {
        Optional<Path> compiler = Stream.of(System.getenv("PATH").split(":"))
                .flatMap(entry -> Stream.of("cc", "gcc", "clang").map(name -> Path.of(entry, name)))
                .filter(Files::isExecutable).findFirst();
        Assumptions.assumeTrue(compiler.isPresent(), "no C compiler (cc, gcc or clang) on PATH");
        Path source = directory.resolve("gpu_layout.c");
        try (var resource = WireLayoutTest.class.getResourceAsStream("gpu_layout.c")) {
            assertThat(resource).isNotNull();
            Files.copy(resource, source);
        }
        Path program = directory.resolve("gpu_layout");
        run(List.of(compiler.get().toString(), "-Wall", "-Werror", "-o", program.toString(), source.toString()),
                directory.resolve("compiler.txt"));
        return run(List.of(program.toString()), directory.resolve("output.txt"));
    }

    private static String run(List<String> command, Path output) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as("%s: %s", command, Files.readString(output)).isZero();
        return Files.readString(output);
    }
}
