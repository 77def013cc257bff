package sluice.vdev.serve;

import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Valid values of {@code --device=}, and the errors for invalid ones. */
class DeviceArgumentTest {
    private static final DeviceProvider PROVIDER = new DeviceProvider() {
        @Override
        public String name() {
            return "thing";
        }

        @Override
        public String description() {
            return "A thing.";
        }

        @Override
        public List<DeviceOption> options() {
            return List.of(new DeviceOption("count", "N", "How many."), new DeviceOption("quiet", "", "No sound."),
                    new DeviceOption("fault", "WHAT", "Let it go wrong.", true));
        }

        @Override
        public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
            throw new UnsupportedOperationException("nothing is made here");
        }
    };

    private static DeviceOptions options(String argument) throws WrongOptionException {
        return DeviceArgument.parse(argument).optionsOf(PROVIDER);
    }

    @Test
    void optionsAreSeparatedByCommas() throws WrongOptionException {
        assertThat(DeviceArgument.parse("thing").name()).isEqualTo("thing");
        DeviceOptions options = options("thing,socket-path=/tmp/a=b,count=0x10,quiet");
        assertThat(options.path("socket-path")).isEqualTo(Path.of("/tmp/a=b"));
        assertThat(options.number("count", 1, 0, 16)).isEqualTo(16);
        assertThat(options.isGiven("quiet")).isTrue();
        assertThat(options.isGiven("fault")).isFalse();
        assertThat(options.number("missing", 7, 0, 1)).isEqualTo(7);
        assertThat(options.path("missing")).isNull();
    }

    @Test
    void aCommaInAValueIsWrittenTwice() throws WrongOptionException {
        DeviceOptions options = options("thing,fault=a,,b=1,fault=,,,fault=c,,,fd=3");
        assertThat(options.all().get("fault")).containsExactly("a,b=1", ",", "c,");
        assertThat(options.text("fd")).isEqualTo("3");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
            "thing,fd=3,colour=red; thing has no option \"colour\"; its options are count, quiet, fault, socket-path, fd, transport",
            "thing,fd=3,; thing has no option \"\"",
            "thing,fd=3,count=1,count=2; thing: count=N is given more than once",
            "thing,fd=3,count; thing: count=N needs a value", "thing,fd=3,quiet=1; thing: quiet takes no value",
            "thing; give exactly one of socket-path=PATH and fd=N",
            "thing,fd=3,socket-path=a; give exactly one of socket-path=PATH and fd=N" })
    void whatCannotBeIsToldWithWhatCould(String argument, String sentence) {
        assertThatExceptionOfType(WrongOptionException.class).isThrownBy(() -> options(argument))
                .withMessageContaining(sentence);
    }

    @ParameterizedTest
    @ValueSource(strings = { "17", "-1", "many", "1.5", "99999999999999999999" })
    void numbersHaveARange(String number) {
        assertThatExceptionOfType(WrongOptionException.class)
                .isThrownBy(() -> options("thing,fd=3,count=" + number).number("count", 0, 0, 16))
                .withMessage("count=%s: give a number from 0 to 16", number);
    }
}
