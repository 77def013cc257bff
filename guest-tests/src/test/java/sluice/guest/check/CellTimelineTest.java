package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Which events are shown of a failure. */
class CellTimelineTest {
    private static final String MAP = "dma_map_sg 0x1000";

    private final List<Moment> moments = new ArrayList<>();

    private void call(String name, String device, String buffer, String rule) {
        moments.add(new Moment(moments.size() + 1, 0, "CALL", device, name, buffer, 0, 64, 1, "FROM_DEVICE", "",
                List.of("from_" + device + "+0x1/0x2"), rule));
    }

    private void calls(int count) {
        for (int i = 0; i < count; i++) call("dma_sync_sg_for_cpu", "card", MAP, "");
    }

    private static List<String> lines(Timeline timeline) {
        return timeline.lines().stream().map(line -> switch (line) {
            case Timeline.Gap gap -> "gap " + gap.count();
            case Timeline.Event event -> event.moment().order() + (event.broke() ? " broke" : "");
        }).toList();
    }

    private static List<String> with(String first, long from, long to, String... more) {
        List<String> lines = new ArrayList<>(List.of(first));
        LongStream.rangeClosed(from, to).forEach(order -> lines.add(Long.toString(order)));
        lines.addAll(List.of(more));
        return lines;
    }

    @Test
    void theEventsAroundAViolationAndTheCallThatMadeItsMapping() {
        call("dma_map_sg", "card", MAP, "");
        call("dma_map_sg", "udmabuf", MAP, "");
        calls(20);
        call("dma_unmap_sg", "card", MAP, "D7_UNMAP_DIRECTION");
        calls(9);
        List<String> lines = lines(Timeline.around(moments, 0, List.of("D7_UNMAP_DIRECTION")));
        assertThat(lines).startsWith("1", "gap 11", "13").contains("22", "23 broke", "27").endsWith("27", "gap 5");
        assertThat(Timeline.mappedBy(moments, "udmabuf", MAP)).containsExactly("from_udmabuf+0x1/0x2");
        assertThat(Timeline.mappedBy(moments, "gpu", MAP)).isNull();
    }

    /** Findings that are no errors in this cell are no violations of it. */
    @Test
    void withoutAViolationTheLastEvents() {
        calls(40);
        call("dma_unmap_sg", "card", MAP, "REDUNDANT_SYNC");
        assertThat(lines(Timeline.around(moments, 100, List.of()))).isEqualTo(with("gap 126", 27, 41));
    }

    @Test
    void aFloodOfViolationsIsBoundedAndEachRuleIsShown() {
        for (int i = 0; i < 1000; i++) call("dma_sync_sg_for_cpu", "card", MAP, "D21_SYNC_DIRECTION");
        call("dma_unmap_sg", "card", MAP, "D3_UNMAP_SIZE");
        List<String> lines = lines(
                Timeline.around(moments, 0, List.of("D21_SYNC_DIRECTION", "D3_UNMAP_SIZE")));
        assertThat(lines).hasSizeLessThan(50).startsWith("1 broke", "2 broke").endsWith("1001 broke");
    }

    @Test
    void aChainIsToldOnceInAReport() {
        List<Moment> read = Moment.of(JsonParser.parseString(
                """
                        {"timeline":[
                        {"order":5,"micros":1,"kind":"CALL","device":"card","call":"dma_map_sg","buffer":"dma_map_sg 0x1000","from":0,
                         "length":64,"count":1,"direction":"FROM_DEVICE","chain":1,"functions":"a+0x1/0x2\\nb+0x1/0x2"},
                        {"order":6,"micros":2,"kind":"WRITE","device":"card","buffer":"dma_map_sg 0x1000","from":0,"length":64,"count":2},
                        {"order":7,"micros":3,"kind":"CALL","device":"card","call":"dma_map_sg","buffer":"dma_map_sg 0x1000","from":0,
                         "length":64,"count":1,"direction":"FROM_DEVICE","chain":1,"rule":"D17_OVERLAPPING_WRITES"}]}""")
                .getAsJsonObject());
        assertThat(read).extracting(Moment::chain).containsExactly(List.of("a+0x1/0x2", "b+0x1/0x2"), List.of(),
                List.of("a+0x1/0x2", "b+0x1/0x2"));
        assertThat(read.getLast().rule()).isEqualTo("D17_OVERLAPPING_WRITES");
        assertThat(CallChain.line(read.getFirst().chain())).isEqualTo("a < b");
    }
}
