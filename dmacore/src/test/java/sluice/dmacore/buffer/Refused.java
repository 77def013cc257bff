package sluice.dmacore.buffer;

import java.io.IOException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** Expects that a call is refused, with the right number and words. */
public final class Refused {
    /** A call on a buffer. */
    public interface Call {
        /** Makes it. */
        void call() throws IOException;
    }

    private Refused() {}

    public static void refused(int errno, Call call, String... words) {
        DmaBufException refusal = catchThrowableOfType(DmaBufException.class, call::call);
        assertThat(refusal).as("a refusal").isNotNull();
        assertThat(refusal.errno()).as(refusal.getMessage()).isEqualTo(errno);
        for (String word : words) assertThat(refusal).hasMessageContaining(word);
    }
}
