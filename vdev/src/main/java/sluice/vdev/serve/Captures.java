package sluice.vdev.serve;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.trace.SwitchedSink;
import sluice.vdev.profile.Capture;

/**
 * What the page of a process starts and stops.
 *
 * @param folder where it is written
 * @param sink part of the trace of the process's core
 */
public record Captures(Path folder, SwitchedSink sink) {
    List<Capture> of(DmaCore core) {
        return Arrays.stream(Capture.Kind.values()).map(kind -> new Capture(kind, folder, sink, core)).toList();
    }
}
