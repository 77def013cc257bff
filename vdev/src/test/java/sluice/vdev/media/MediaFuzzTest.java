package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Errno;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Commands of a fuzzer's making, as bytes and as calls: each is answered, and at the end nothing is left.
 *
 * <p>An input of {@link #commands} is a row of commands: how many bytes it has in fours, a byte of options, and the command.
 */
class MediaFuzzTest {
    /** The workers do a job before. */
    static final int WORK = 1;
    /** The driver takes an event before. */
    static final int EVENT = 2;
    /** With as much room for the answer as the next four bits say, in elevens. */
    static final int LITTLE_ROOM = 4;
    /** The device is reset before. */
    static final int RESET = 8;

    private @Nullable OneThreadMedia media;

    @AfterEach
    void end() {
        if (media != null) media.close();
    }

    private OneThreadMedia device() throws IOException {
        if (media == null) media = new OneThreadMedia();
        return media;
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(MediaFuzzTest.class, "commands", MediaSeeds.commands());
        SeedCorpus.check(MediaFuzzTest.class, "encoderCommands", MediaSeeds.encoderCommands());
        SeedCorpus.check(MediaFuzzTest.class, "calls", MediaSeeds.calls());
    }

    @FuzzTest
    void commands(byte[] input) throws IOException {
        commands(device(), input);
    }

    @FuzzTest
    void encoderCommands(byte[] input) throws IOException {
        if (media == null) media = OneThreadMedia.encoder(List.of(EncodedFormat.plain()));
        commands(media, input);
    }

    private static void commands(OneThreadMedia device, byte[] input) {
        FuzzInput in = new FuzzInput(input);
        while (in.hasMore()) {
            int length = 4 * in.u8();
            int options = in.u8();
            if ((options & RESET) != 0) device.reset();
            if ((options & WORK) != 0) device.work();
            if ((options & EVENT) != 0) device.event();
            int room = (options & LITTLE_ROOM) != 0 ? 11 * (options >> 4) : OneThreadMedia.MAX_ANSWER;
            byte[] command = in.upTo(length);
            if (command.length == 0) continue;
            check(ByteBuffer.wrap(command).order(ByteOrder.LITTLE_ENDIAN),
                    device.call(ByteBuffer.wrap(command), room), room);
        }
        nothingIsLeft(device);
    }

    private static void check(ByteBuffer command, ByteBuffer answer, int room) {
        boolean closes = command.limit() >= 16 && command.getInt(0) == Command.CLOSE;
        assertThat(answer.limit()).isBetween(closes ? 0 : Math.min(8, room), room);
        if (answer.limit() < 8) return;
        assertThat(answer.getInt(0)).isIn(0, Errno.EINVAL, Errno.ENOTTY, Errno.EBUSY, Errno.ENOMEM, Errno.EMFILE,
                Errno.EACCES, Errno.ERANGE, Errno.EFAULT, Errno.EIO, Errno.ENOBUFS, V4l2.EBADR);
        assertThat(answer.getInt(4)).isZero();
    }

    private static void nothingIsLeft(OneThreadMedia device) {
        device.reset();
        assertThat(device.device.arena().reserved()).isZero();
        assertThat(device.used(Resource.HEAP)).isZero();
        assertThat(device.used(Resource.HOST_MEMORY)).isZero();
        assertThat(device.device.mappedPlanes()).isZero();
    }

    @FuzzTest
    void calls(byte[] input) throws IOException {
        OneThreadMedia device = device();
        new MediaModel(device).run(new FuzzInput(input));
        nothingIsLeft(device);
    }
}
