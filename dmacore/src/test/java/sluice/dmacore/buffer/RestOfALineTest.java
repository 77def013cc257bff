package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** A device that gave back a part of a line has the rest of it, as it had all of it before. */
class RestOfALineTest {
    private static final int LINE = 64;
    private static final int PART = 32;

    @SuppressWarnings("NullAway.Init") // start
    private Machine machine;
    @SuppressWarnings("NullAway.Init") // start
    private FileMapping ram;
    @SuppressWarnings("NullAway.Init") // start
    private Attachment attachment;
    @SuppressWarnings("NullAway.Init") // start
    private DeviceView camera;
    @SuppressWarnings("NullAway.Init") // start
    private DeviceMapping mapping;
    @SuppressWarnings("NullAway.Init") // start
    private Opener program;

    private void start(boolean snoops) throws IOException {
        machine = Machine.modelled();
        ram = machine.file(1);
        DmaBuf buffer = machine.released(machine.core().export("ring", PAGE, new BracketedPages(Machine.runs(ram, 0))));
        DeviceFunction function = machine.device("camera");
        camera = machine.view(function);
        attachment = buffer.attach(function, snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        mapping = attachment.map(Direction.BIDIRECTIONAL);
        program = buffer.open("program");
    }

    @AfterEach
    void ends() throws IOException {
        program.close();
        mapping.unmap();
        attachment.detach();
        machine.close();
    }

    private void writes(int from, int value) {
        byte[] bytes = new byte[PART];
        Arrays.fill(bytes, (byte) value);
        Machine.write(camera, mapping, from, bytes);
    }

    private void isInTheLine(int first, int second) {
        assertThat(Machine.load(ram, 0, PART)).containsOnly(first);
        assertThat(Machine.load(ram, PART, PART)).containsOnly(second);
    }

    /** The program looks at the line, and in the middle of that its driver takes back the first half. */
    private void takesAPartInTheMiddleOfAnAccess() throws IOException {
        writes(0, 1);
        CpuAccess access = program.begin(0, LINE, Direction.FROM_DEVICE);
        mapping.syncForCpu(0, PART, Direction.FROM_DEVICE);
        access.end();
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aPartIsTakenBackInTheMiddleOfAnAccess(boolean snoops) throws IOException {
        start(snoops);
        takesAPartInTheMiddleOfAnAccess();
        writes(PART, 2);
        mapping.syncForCpu(PART, PART, Direction.FROM_DEVICE);
        isInTheLine(1, 2);
        machine.found();
    }

    /** The next access of the CPU borrows the rest, and fetches it. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void theRestIsFetchedByTheNextAccess(boolean snoops) throws IOException {
        start(snoops);
        takesAPartInTheMiddleOfAnAccess();
        writes(PART, 2);
        byte[] line = new byte[LINE];
        CpuAccess access = program.begin(0, LINE, Direction.FROM_DEVICE);
        access.read(0, line, 0, LINE);
        access.end();
        assertThat(line).isEqualTo(Machine.load(ram, 0, LINE));
        isInTheLine(1, 2);
        machine.found();
    }

    /** Whoever has the rest only is as far from the line as one who has all of it, while the CPU has that. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void theRestIsTheCpusAsLongAsItsAccessIsOpen(boolean snoops) throws IOException {
        start(snoops);
        mapping.syncForCpu(0, PART, Direction.FROM_DEVICE);
        CpuAccess access = program.begin(0, LINE, Direction.FROM_DEVICE);
        Machine.read(camera, mapping, PART, PART);
        machine.found();
        writes(PART, 2);
        machine.foundNext(Rule.MISSING_SYNC_FOR_DEVICE);
        access.end();
        writes(PART, 3);
        mapping.syncForCpu(PART, PART, Direction.FROM_DEVICE);
        isInTheLine(0, 3);
        machine.found();
    }

    /** An access to the first half has the device keep the second one. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void theRestIsTheDevicesBesideAnAccess(boolean snoops) throws IOException {
        start(snoops);
        CpuAccess access = program.begin(0, PART, Direction.FROM_DEVICE);
        writes(PART, 2);
        access.end();
        writes(0, 1);
        mapping.syncForCpu(0, LINE, Direction.FROM_DEVICE);
        isInTheLine(1, 2);
        machine.found();
    }

    /** A second access, to what the first one has left to the device, fetches it. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void theRestIsFetchedBesideAnAccessThatReads(boolean snoops) throws IOException {
        start(snoops);
        CpuAccess first = program.begin(0, PART, Direction.FROM_DEVICE);
        writes(PART, 2);
        CpuAccess second = program.begin(PART, PART, Direction.FROM_DEVICE);
        isInTheLine(0, 2);
        second.end();
        first.end();
        machine.found();
    }

    /** What was taken back in the middle of an access is the CPU's when it ends, and all of it when the mapping does. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void whatWasTakenBackAsAWholeIsTheCpus(boolean snoops) throws IOException {
        start(snoops);
        CpuAccess access = program.begin(0, LINE, Direction.FROM_DEVICE);
        mapping.syncForCpu(0, PART, Direction.FROM_DEVICE);
        mapping.syncForCpu(0, LINE, Direction.FROM_DEVICE);
        access.end();
        writes(PART, 2);
        machine.foundNext(Rule.MISSING_SYNC_FOR_DEVICE);
    }

    /** Two parts of one line, one after the other: both are the device's until then. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void theSecondPartIsNotRedundant(boolean snoops) throws IOException {
        start(snoops);
        writes(0, 1);
        writes(PART, 2);
        mapping.syncForCpu(0, PART, Direction.FROM_DEVICE);
        mapping.syncForCpu(PART, PART, Direction.FROM_DEVICE);
        isInTheLine(1, 2);
        machine.found();
    }
}
