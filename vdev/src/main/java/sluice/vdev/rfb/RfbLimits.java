package sluice.vdev.rfb;

import java.time.Duration;

/**
 * Limits of a server, which viewers cannot exceed.
 *
 * @param viewers connections at a time, of all screens of a device
 * @param handshake time from the connection to the last message of the handshake
 * @param message time from the first byte of a message to its last
 * @param stall time for which a viewer may read nothing while something is to be sent
 * @param refusal time until a wrong password is answered
 */
public record RfbLimits(int viewers, Duration handshake, Duration message, Duration stall, Duration refusal) {
    /** Those of a server that users reach. */
    public static final RfbLimits DEFAULT = new RfbLimits(16, Duration.ofSeconds(10), Duration.ofSeconds(10),
            Duration.ofSeconds(60), Duration.ofSeconds(1));
}
