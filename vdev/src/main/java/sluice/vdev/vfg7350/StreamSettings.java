package sluice.vdev.vfg7350;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.Coding;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;

/**
 * The stream that the driver has asked for, every value in range.
 *
 * @param width of pictures in pixels
 * @param height of pictures in pixels
 * @param frameRate pictures per second
 * @param wide whether pictures are shown at 16:9 instead of 4:3
 * @param videoBits mean bits per second of the pictures
 * @param peakBits highest bits per second of the pictures
 * @param totalBits bits per second of the transport stream
 * @param pictureGroup pictures from one key picture to the next
 * @param betweenReferences B-pictures between two reference pictures
 * @param leastQuantizer smallest quantizer scale code
 * @param sound whether there is an audio stream, which is silent
 * @param soundBits bits per second of the audio stream
 * @param videoPid PID of the pictures
 * @param audioPid PID of the sound
 * @param clockPid PID of the program clock reference
 * @param pat the driver's packet with the program association table, or null
 * @param pmt the driver's packet with the program map table, or null
 */
record StreamSettings(int width, int height, Ratio frameRate, boolean wide, int videoBits, int peakBits, int totalBits,
        int pictureGroup, int betweenReferences, int leastQuantizer, boolean sound, int soundBits, int videoPid,
        int audioPid, int clockPid, @Nullable Table pat, @Nullable Table pmt) {
    /** Of the decoder's buffer at main level (ISO/IEC 13818-2 table 8-13). */
    private static final int MAIN_LEVEL_BUFFER = 1_835_008;
    /** The decoder's buffer holds no more than this part of a second, so that a stream begins soon. */
    private static final int BUFFERS_PER_SECOND = 2;

    /** A packet of a table, as it was given; immutable. */
    static final class Table {
        private final byte[] packet;

        /** @param packet 188 bytes, which are not changed any more */
        Table(byte[] packet) {
            this.packet = packet;
        }

        void copyTo(byte[] target, int at) {
            System.arraycopy(packet, 0, target, at, packet.length);
        }
    }

    /** The size of the decoder's buffer in bits. */
    int bufferBits() {
        return Math.min(MAIN_LEVEL_BUFFER, peakBits / BUFFERS_PER_SECOND);
    }

    /** The settings of an encoder of the pictures. */
    EncoderSettings encoder() {
        return new EncoderSettings(Coding.MPEG2, new PictureFormat(PixelFormat.YU12, width, height), frameRate,
                wide ? new Ratio(16, 9) : new Ratio(4, 3), videoBits, peakBits, bufferBits(), pictureGroup,
                betweenReferences, leastQuantizer);
    }
}
