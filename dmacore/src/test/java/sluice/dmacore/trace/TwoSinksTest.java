package sluice.dmacore.trace;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TwoSinksTest {
    private static final class Listed implements TraceSink {
        private final List<String> told = new ArrayList<>();
        private boolean on = true;

        @Override
        public boolean isOn() {
            return on;
        }

        @Override
        public void name(int number, String name) {
            told.add(number + " " + name);
        }

        @Override
        public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
                long nanos, long ended) {
            told.add("%s %d %d %d %d %d %d %d".formatted(kind, buffer, attachment, detail, from, length, bytes, nanos));
        }
    }

    @Test
    void bothAreTold() {
        Listed first = new Listed();
        Listed second = new Listed();
        TraceSink both = TwoSinks.of(first, second);
        both.name(3, "frame");
        both.record(EventKind.COPY, 3, 4, 5, 6, 7, 8, 9, TraceSink.NOW);
        assertThat(first.told).containsExactly("3 frame", "COPY 3 4 5 6 7 8 9").isEqualTo(second.told);
    }

    @Test
    void aSinkThatIsOffHearsNamesOnly() {
        Listed first = new Listed();
        Listed second = new Listed();
        TraceSink both = TwoSinks.of(first, second);
        first.on = false;
        assertThat(both.isOn()).isTrue();
        both.name(3, "frame");
        both.record(EventKind.COPY, 3, 4, 5, 6, 7, 8, 9, TraceSink.NOW);
        assertThat(first.told).containsExactly("3 frame");
        assertThat(second.told).hasSize(2);
        second.on = false;
        assertThat(both.isOn()).isFalse();
        both.record(EventKind.COPY, 3, 4, 5, 6, 7, 8, 9, TraceSink.NOW);
        assertThat(second.told).hasSize(2);
    }

    @Test
    void nothingAndASinkAreThatSink() {
        Listed one = new Listed();
        assertThat(TwoSinks.of(one, TraceSink.NONE)).isSameAs(one);
        assertThat(TwoSinks.of(TraceSink.NONE, one)).isSameAs(one);
        assertThat(TwoSinks.of(TraceSink.NONE, TraceSink.NONE)).isSameAs(TraceSink.NONE);
    }
}
