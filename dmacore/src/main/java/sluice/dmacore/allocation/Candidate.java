package sluice.dmacore.allocation;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

/**
 * A device function that is to have a buffer.
 *
 * @param stream in which it reaches the buffer
 * @param direction in which it will be mapped
 * @param exporter whose memory may be tried, because this function has it or likes it; null if it has none to offer
 */
public record Candidate(DeviceFunction function, Stream stream, Direction direction, @Nullable Exporter exporter) {
    /** One that will only read. */
    public Candidate(DeviceFunction function, Stream stream, @Nullable Exporter exporter) {
        this(function, stream, Direction.TO_DEVICE, exporter);
    }

    @Override
    public String toString() {
        return function.name();
    }
}
