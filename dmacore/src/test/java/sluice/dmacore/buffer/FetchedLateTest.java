package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/**
 * A frame was taken back the wrong way, so that the CPU has old bytes; then an invalidation that somebody else asks for, or for
 * other bytes, brings them. That is too late, and the last moment at which it can be seen.
 */
class FetchedLateTest {
    /** In the middle of a line, and of the frame. */
    private static final int CUT = PAGE / 2 + 20;

    private Machine machine;
    private FileMapping ram;
    private DmaBuf buffer;
    private Attachment filling;
    private Attachment showing;
    private DeviceView camera;
    private DeviceView screen;
    private DeviceMapping captured;
    private DeviceMapping shown;

    @BeforeEach
    void isTakenBackTheWrongWay() throws IOException {
        start(Flavour.ARM64);
    }

    private void start(Flavour flavour) throws IOException {
        machine = Machine.modelledWith(DmaCoreOptions.counting().withFlavour(flavour));
        ram = machine.file(1);
        buffer = machine.guest("frame", ram, 0);
        DeviceFunction writer = machine.device("camera");
        DeviceFunction other = machine.device("display");
        camera = machine.view(writer);
        screen = machine.view(other);
        filling = buffer.attach(writer, Stream.NON_COHERENT);
        showing = buffer.attach(other, Stream.NON_COHERENT);
        shown = showing.map(Direction.BIDIRECTIONAL);
        captured = filling.map(Direction.BIDIRECTIONAL);
        machine.foundNext(Rule.D17_OVERLAPPING_WRITES);
        Machine.write(camera, captured, 0, filled(PAGE, 1));
        captured.syncForCpu(0, PAGE, Direction.TO_DEVICE);
    }

    @AfterEach
    void ends() throws IOException {
        if (captured.isLive()) captured.unmap();
        if (shown.isLive()) shown.unmap();
        filling.detach();
        showing.detach();
        machine.close();
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private void hinted(long from, long length) {
        Finding hint = machine.only(Rule.NEVER_FETCHED);
        assertThat(hint.device()).isEqualTo("camera");
        assertThat(hint.from()).isEqualTo(from);
        assertThat(hint.length()).isEqualTo(length);
        assertThat(hint.what()).startsWith("what the device wrote was not fetched when it was taken back, and comes");
    }

    @Test
    void withTheEndOfAnothersMapping() throws IOException {
        shown.unmap();
        assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(filled(PAGE, 1));
        hinted(0, PAGE);
        machine.found(Rule.NEVER_FETCHED, Rule.MAPPED_AT_IMPORT);
    }

    @Test
    void withWhatIsTakenBackOfAnother() throws IOException {
        shown.syncForCpu(0, CUT, Direction.FROM_DEVICE);
        machine.about(Rule.NEVER_FETCHED, "[0x0, 0x83f]"); // whole lines
        machine.found(Rule.NEVER_FETCHED);
    }

    /** Before its turn ARC invalidates what another device is to fill. */
    @Test
    void withWhatIsGivenToAnother() throws IOException {
        ends();
        start(Flavour.ARC);
        shown.syncForDevice(0, PAGE, Direction.BIDIRECTIONAL);
        hinted(0, PAGE);
        machine.found(Rule.NEVER_FETCHED);
    }

    /** It asks for the range, and what lies beside it comes with its line. */
    @Test
    void withItsOwnBytesThatAreTakenBackOfTheLine() throws IOException {
        captured.syncForCpu(CUT, PAGE - CUT, Direction.FROM_DEVICE);
        hinted(CUT / 64 * 64, 64);
        machine.found(Rule.NEVER_FETCHED);
    }

    @ParameterizedTest
    @EnumSource(value = Direction.class, names = "TO_DEVICE", mode = EnumSource.Mode.EXCLUDE)
    void withAnAccessOfTheCpuToAnotherPartOfTheLine(Direction direction) throws IOException {
        try (Opener opener = buffer.open("program")) {
            opener.begin(CUT, 200, direction).end();
        }
        machine.about(Rule.NEVER_FETCHED, "[0x800, 0x83f]", "[0x8c0, 0x8ff]");
        machine.found(Rule.NEVER_FETCHED);
    }

    /** The device's bytes are another buffer's, and share a line with the range. */
    @Test
    void withAnotherBufferOfTheLine() throws IOException {
        Runs bytes = new Runs();
        bytes.add(ram, CUT, 2);
        DmaBuf beside = machine.released(machine.core().export("beside", 2, new BracketedPages(bytes)));
        DeviceFunction function = machine.device("old");
        Attachment attachment = beside.attach(function, Stream.NON_COHERENT);
        attachment.map(Direction.FROM_DEVICE).unmap();
        attachment.detach();
        assertThat(machine.only(Rule.NEVER_FETCHED)).extracting(Finding::buffer, Finding::device)
                .containsExactly("beside", "camera");
    }

    /** What is given to another in between says nothing about bytes beside it. */
    @Test
    void withTheLineOfWhatWasGivenToAnother() throws IOException {
        captured.syncForCpu(0, PAGE, Direction.FROM_DEVICE);
        captured.syncForDevice();
        machine.foundNext(Rule.D17_OVERLAPPING_WRITES);
        Machine.write(camera, captured, 0, filled(20, 2));
        captured.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        shown.syncForDevice(40, 8, Direction.TO_DEVICE);
        shown.syncForCpu(40, 8, Direction.FROM_DEVICE);
        machine.about(Rule.NEVER_FETCHED, "[0x0, 0x3f]");
        machine.found(Rule.NEVER_FETCHED);
    }

    // ---- and when nothing is wrong

    /** The range was asked for after all. */
    @Test
    void whatItsOwnDeviceIsAskedForIsNotLate() throws IOException {
        captured.syncForCpu(0, PAGE, Direction.FROM_DEVICE);
        machine.found();
    }

    @Test
    void whatAnAccessOfTheCpuAsksForIsNotLate() throws IOException {
        try (Opener opener = buffer.open("program"); CpuAccess access = opener.begin(0, PAGE, Direction.FROM_DEVICE)) {
            byte[] bytes = new byte[PAGE];
            access.read(0, bytes, 0, PAGE);
            assertThat(bytes).isEqualTo(filled(PAGE, 1));
        }
        machine.found();
    }

    /** The CPU has written all of it anew, as it is meant: nothing was left when the next device wrote the same lines. */
    @Test
    void whatAnotherDeviceWritesLaterIsNotTheFirstOnes() throws IOException {
        Machine.store(ram, 0, filled(PAGE, 2));
        shown.syncForDevice(0, PAGE, Direction.BIDIRECTIONAL);
        Machine.write(screen, shown, 0, filled(PAGE, 3));
        shown.syncForCpu(0, PAGE, Direction.FROM_DEVICE);
        assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(filled(PAGE, 3));
        machine.none(Rule.NEVER_FETCHED);
        machine.mistaken();
    }
}
