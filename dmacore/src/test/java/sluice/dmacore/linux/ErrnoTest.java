package sluice.dmacore.linux;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ErrnoTest {
    @Test
    void everyConstantHasItsNameAndText() throws Exception {
        List<Field> constants = Arrays.stream(Errno.class.getFields()).toList();
        assertThat(constants).hasSameSizeAs(Errno.meanings().keySet());
        for (Field constant : constants) {
            int number = constant.getInt(null);
            assertThat(Errno.name(number)).isEqualTo(constant.getName());
            assertThat(Errno.text(number)).isNotBlank().doesNotContain("Unknown");
        }
    }

    @Test
    void unknownNumbersAreNamedByTheirNumber() {
        assertThat(Errno.name(999)).isEqualTo("errno 999");
        assertThat(Errno.text(999)).isEqualTo("Unknown error 999");
    }

    @Test
    void theExceptionNamesTheCall() {
        ErrnoException e = new ErrnoException("mmap", Errno.ENOMEM);
        assertThat(e).hasMessage("mmap: ENOMEM (12), Cannot allocate memory");
        assertThat(e.call()).isEqualTo("mmap");
        assertThat(e.errno()).isEqualTo(12);
    }

    @Test
    void aMissingFunctionIsNamed() {
        assertThatThrownBy(() -> NativeCall.returningInt("no_such_function_in_any_libc"))
                .isInstanceOf(UnsatisfiedLinkError.class).hasMessageContaining("no_such_function_in_any_libc")
                .hasMessageContaining("glibc");
    }

    @Test
    void whatAHandleThrowsComesOutUnchanged() {
        InternalError fault = new InternalError("a fault in mapped memory");
        assertThatThrownBy(() -> {
            throw Libc.unexpected(fault);
        }).isSameAs(fault);
        RuntimeException unchecked = new IllegalStateException("closed");
        assertThat(Libc.unexpected(unchecked)).isSameAs(unchecked);
        Exception checked = new Exception("impossible");
        assertThat(Libc.unexpected(checked)).hasCause(checked);
    }
}
