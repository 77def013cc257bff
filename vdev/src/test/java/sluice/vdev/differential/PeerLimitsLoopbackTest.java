package sluice.vdev.differential;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

import static org.assertj.core.api.Assertions.assertThat;

/** What ends QEMU's {@code vhost-user-gpu} or its display is refused by ours, which goes on. */
class PeerLimitsLoopbackTest {
    private static final GpuRect ALL = GpuRect.of(8, 8);

    @BeforeEach
    void findPeer() throws IOException {
        PeerProgram.assumeUsable();
    }

    @ParameterizedTest
    @EnumSource
    void oursGoesOn(Fatal fatal) throws IOException {
        try (Pair pair = new Pair(true, Deadline.USUAL)) {
            Buffer page = pair.pool().getFirst();
            List<Step> picture = List.of(
                    command(Step.Queue.CONTROL, GpuCommands.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 8, 8)),
                    command(Step.Queue.CONTROL, Scribe.attach(1, 1, List.of(new Buffer(page.address(), 256)))),
                    command(Step.Queue.CONTROL, GpuCommands.setScanout(0, 1, ALL)));
            new Comparison(pair, new Tally()).run(picture);

            List<Command> commands = fatal.commands(page).stream().map(bytes -> command(fatal.queue(), bytes)).toList();
            pair.ours().send(commands);
            assertThat(pair.ours().answers()).extracting(answer -> answer.getInt(GpuWire.HDR_TYPE))
                    .allMatch(type -> type >= GpuWire.RESP_ERR_UNSPEC).startsWith(fatal.answer());
            pair.ours().send(List.of(command(Step.Queue.CONTROL, GpuCommands.flush(1, ALL))));
            assertThat(pair.ours().answers().getFirst().getInt(GpuWire.HDR_TYPE)).isEqualTo(GpuWire.RESP_OK_NODATA);

            pair.peerIsBroken();
            pair.peer().send(commands);
            Deadline.in(Deadline.USUAL).require(
                    () -> fatal == Fatal.HUGE_RESOURCE ? pair.program().hasEnded() : isHarmed(pair),
                    "the end of vhost-user-gpu, or of its display,");
        }
    }

    private static boolean isHarmed(Pair pair) {
        try {
            pair.peer().display().check();
            return false;
        } catch (AssertionError harmed) {
            // The sentence that QEMU never gets to say.
            return true;
        }
    }

    private static Command command(Step.Queue queue, ByteBuffer bytes) {
        return new Command(queue, bytes, GpuWire.HDR_BYTES, ChainForm.DIRECT, Integer.MAX_VALUE);
    }
}
