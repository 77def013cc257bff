package sluice.dmacore.linux;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class OpenFilesTest {
    @Test
    void seesWhatIsOpenedAndClosed() throws Exception {
        OpenFiles.count();
        int before = OpenFiles.count();
        List<Fd> fds = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            fds.add(EventFd.create());
        }
        assertThat(OpenFiles.count()).isEqualTo(before + 20);
        fds.forEach(Fd::close);
        assertThat(OpenFiles.count()).isEqualTo(before);
    }
}
