package sluice.dmacore.allocation;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

/**
 * A device function that needs the buffer.
 *
 * @param stream of its accesses to the buffer
 * @param direction in which it will be mapped
 * @param exporter an exporter to be tried for this function; null if it has none
 */
public record Candidate(DeviceFunction function, Stream stream, Direction direction, @Nullable Exporter exporter) {
    /** A candidate that only reads. */
    public Candidate(DeviceFunction function, Stream stream, @Nullable Exporter exporter) {
        this(function, stream, Direction.TO_DEVICE, exporter);
    }

    @Override
    public String toString() {
        return function.name();
    }
}
