package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** How many may share a line, and that it is lines they share. */
class SharedLinesTest {
    private static final int PAGES = 300;

    /** A frame of a GPU whose pages another device maps one by one, as it does behind a vIOMMU. */
    @Test
    @Tag("D18")
    void manyBuffersInsideOfALargeOneShareNoLineAndSixtyFiveOfOneLineDo() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(PAGES);
            DeviceFunction gpu = machine.device("gpu");
            DeviceFunction grabber = machine.device("grabber");
            DmaBuf frame = machine.guest("frame", ram, IntStream.range(0, PAGES).toArray());
            List<Attachment> attachments = new ArrayList<>();
            attachments.add(frame.attach(gpu, Stream.NON_COHERENT));
            DmaBuf last = frame;
            for (int page = 0; page < PAGES; page++) {
                last = machine.guest("page " + page, ram, page);
                attachments.add(last.attach(grabber, Stream.NON_COHERENT));
            }
            assertThat(machine.core().findings().times(Rule.D18_TOO_MANY_OVERLAPS)).isZero();

            DeviceMapping shown = attachments.getFirst().map(Direction.TO_DEVICE);
            DeviceMapping page = attachments.getLast().map(Direction.FROM_DEVICE);
            page.unmap();
            shown.unmap();
            assertThat(frame.counters().writeBackExecuted()).isEqualTo(PAGES * 4096L);

            for (int i = 2; i < 64; i++) attachments.add(last.attach(grabber, Stream.NON_COHERENT));
            for (DmaBuf full : List.of(last, frame)) {
                assertThatThrownBy(() -> full.attach(grabber, Stream.NON_COHERENT))
                        .isInstanceOfSatisfying(DmaBufException.class,
                                refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOMEM))
                        .hasMessageContaining("64 attachments share one of its lines");
            }
            DmaBuf other = machine.guest("another page", ram, 7);
            attachments.add(other.attach(grabber, Stream.NON_COHERENT));
            attachments.removeLast().detach();
            attachments.removeLast().detach();
            attachments.add(frame.attach(gpu, Stream.NON_COHERENT));
            attachments.forEach(Attachment::detach);
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0xfff]");
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0xfff]");
            machine.found(Rule.MAPPED_AT_IMPORT, Rule.NEVER_WRITTEN, Rule.SAME_PAGES_TWICE, Rule.D18_TOO_MANY_OVERLAPS,
                    Rule.D18_TOO_MANY_OVERLAPS);
        }
    }
}
