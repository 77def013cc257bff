package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Lines that a buffer shares with what a device of another one writes: each of them is told, and no other. */
class NeighbourLinesTest {
    private static final int LINE = 64;
    /** In the middle of a line. */
    private static final int BEGIN = LINE / 2;
    /** Three lines between those that are cut. */
    private static final int BYTES = 4 * LINE;

    private Machine machine;
    private FileMapping ram;
    private Attachment attachment;
    private DeviceMapping mapping;

    @BeforeEach
    void aDeviceWritesAllOfThePage() throws IOException {
        machine = Machine.modelled();
        ram = machine.file(1);
        DmaBuf frame = machine.released(machine.core().export("frame", PAGE, new BracketedPages(Machine.runs(ram, 0))));
        DeviceFunction camera = machine.device("camera");
        attachment = frame.attach(camera, Stream.NON_COHERENT);
        mapping = attachment.map(Direction.FROM_DEVICE);
        byte[] captured = new byte[PAGE];
        Arrays.fill(captured, (byte) 1);
        Machine.write(machine.view(camera), mapping, 0, captured);
    }

    @AfterEach
    void ends() throws IOException {
        mapping.unmap();
        attachment.detach();
        machine.close();
    }

    private void drawsInto(int... offsets) throws IOException {
        Runs runs = new Runs();
        for (int offset : offsets) runs.add(ram, offset, BYTES);
        DmaBuf cursor = machine.released(machine.core().export("cursor", runs.bytes(), new BracketedPages(runs)));
        byte[] drawn = new byte[(int) runs.bytes()];
        Arrays.fill(drawn, (byte) 2);
        try (Opener opener = cursor.open("program");
                CpuAccess access = opener.begin(0, drawn.length,
                        Direction.TO_DEVICE)) {
            access.write(0, drawn, 0, drawn.length);
        }
    }

    @Test
    void theLinesAtBothEndsOfARange() throws IOException {
        drawsInto(BEGIN);
        assertThat(machine.only(Rule.SHARED_CACHE_LINE)).extracting(Finding::buffer).isEqualTo("cursor");
        machine.about(Rule.SHARED_CACHE_LINE, "[0x0, 0x1f]", "[0xe0, 0xff]");
        byte[] destroyed = new byte[BEGIN];
        assertThat(Machine.load(ram, 0, BEGIN)).isEqualTo(destroyed);
        mapping.syncForCpu();
        assertThat(Machine.load(ram, BEGIN + BYTES, BEGIN)).isEqualTo(destroyed);
        assertThat(Machine.load(ram, BEGIN + BYTES + BEGIN, 1)).containsOnly(1);
    }

    @Test
    void theOneLineThatIsShared() throws IOException {
        drawsInto(LINE);
        machine.none(Rule.SHARED_CACHE_LINE);
        drawsInto(8 * LINE + BEGIN - BYTES);
        machine.about(Rule.SHARED_CACHE_LINE, "[0xe0, 0xff]");
    }

    /** Each of its pieces has two; two of them are neighbours in the buffer. */
    @Test
    void theLinesOfABufferInPieces() throws IOException {
        drawsInto(BEGIN, 8 * LINE + BEGIN);
        machine.about(Rule.SHARED_CACHE_LINE, "[0x0, 0x1f]", "[0xe0, 0x11f]", "[0x1e0, 0x1ff]");
    }
}
