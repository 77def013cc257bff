package sluice.vdev.cli;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaCore;
import sluice.vdev.gpu.GpuOptions;

/**
 * All that a GPU's process is told.
 *
 * @param transport how it is attached
 * @param gpu the device
 * @param width of the display while there is no front-end's, in pixels
 * @param height of it
 * @param pictureFolder where pictures go
 * @param pictureEvery frames between pictures, 0 for only when asked
 * @param statistics where statistics go at the end, if anywhere
 * @param pollNanos how long an empty queue is watched before it waits for a kick, 0 for not at all
 * @param injections what is to go wrong on purpose
 * @param machine what it shares buffers through; closed with its server
 */
record GpuSetup(GpuTransport transport, GpuOptions gpu, int width, int height, Path pictureFolder,
        int pictureEvery,
        @Nullable Path statistics, long pollNanos, Injections injections, CoreOption.Machine machine) {

    /** The same in a machine that others are part of, too. */
    GpuSetup in(DmaCore core) {
        return new GpuSetup(transport, gpu, width, height, pictureFolder, pictureEvery, statistics, pollNanos,
                injections,
                machine.in(core));
    }
}
