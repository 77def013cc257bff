package sluice.vdev.media;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.codec.Coding;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Which codings a decoder is to offer. */
class CodecProviderTest {
    private static List<Coding> asked(String codings) throws WrongOptionException {
        return CodecProvider.codings(new DeviceOptions(Map.of("codings", List.of(codings))), List.of());
    }

    @Test
    void theyComeInTheOrderThatIsAskedFor() throws Exception {
        assertThat(asked("h264+mpeg2")).containsExactly(Coding.H264, Coding.MPEG2);
        assertThat(CodecProvider.codings(new DeviceOptions(Map.of()), List.of(Coding.values())))
                .containsExactly(Coding.values());
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "h263", "h264+", "h264+H264", "h264,mpeg2" })
    void othersAreRefused(String codings) {
        assertThatThrownBy(() -> asked(codings)).isInstanceOf(WrongOptionException.class)
                .hasMessageStartingWith("codings=" + codings + ": ");
    }
}
