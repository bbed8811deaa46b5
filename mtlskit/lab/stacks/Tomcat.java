// An embedded Tomcat whose connector answers every request with a short page, on the JDK's TLS.
// Arguments: required|optional|none|plain, protocols, status, crl|no-crl, ciphers|-.
// It reads chain.pem, key.pem, trust.pem, crl.pem and page.html from its working directory,
// binds a free loopback port, and prints "listening on 127.0.0.1:PORT".
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;

public class Tomcat {
    // Where Tomcat tells why a handshake failed, if it is asked to; held, so that it is not lost.
    static final Logger HANDSHAKES = Logger.getLogger("org.apache.tomcat.util.net.NioEndpoint.handshake");

    public static void main(String[] told) throws Exception {
        HANDSHAKES.setLevel(Level.FINE);
        for (Handler one : Logger.getLogger("").getHandlers()) one.setLevel(Level.FINE);
        Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(0);
        if (!told[0].equals("plain")) {
            connector.setScheme("https");
            connector.setSecure(true);
            connector.setProperty("SSLEnabled", "true");
            connector.addSslHostConfig(tls(told));
        }
        serve(connector, Integer.parseInt(told[2]));
        System.out.println("listening on 127.0.0.1:" + connector.getLocalPort());
        System.out.flush();
    }

    static SSLHostConfig tls(String[] told) throws Exception {
        SSLHostConfig made = new SSLHostConfig();
        made.setProtocols(told[1]);
        made.setCertificateVerification(told[0]);
        if (!told[0].equals("none")) made.setTrustStore(trust());
        if (told[3].equals("crl")) made.setCertificateRevocationListFile(file("crl.pem"));
        if (!told[4].equals("-")) made.setCiphers(told[4]);
        SSLHostConfigCertificate own =
            new SSLHostConfigCertificate(made, SSLHostConfigCertificate.Type.UNDEFINED);
        own.setCertificateFile(file("chain.pem"));
        own.setCertificateKeyFile(file("key.pem"));
        made.addCertificate(own);
        return made;
    }

    static KeyStore trust() throws Exception {
        KeyStore made = KeyStore.getInstance("PKCS12");
        made.load(null, null);
        int number = 0;
        try (InputStream in = Files.newInputStream(Path.of("trust.pem"))) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in))
                made.setCertificateEntry("ca" + number++, one);
        }
        return made;
    }

    static String file(String name) {
        return Path.of(name).toAbsolutePath().toString();
    }

    static void serve(Connector connector, int status) throws Exception {
        byte[] page = Files.readAllBytes(Path.of("page.html"));
        org.apache.catalina.startup.Tomcat server = new org.apache.catalina.startup.Tomcat();
        server.setBaseDir(file("."));
        server.setConnector(connector);
        Context context = server.addContext("", file("."));
        server.addServlet("", "page", new HttpServlet() {
            @Override
            protected void service(HttpServletRequest asked, HttpServletResponse answer)
                    throws IOException {
                answer.setStatus(status);
                answer.setContentType("text/html");
                answer.getOutputStream().write(page);
            }
        });
        context.addServletMappingDecoded("/*", "page");
        server.start();
    }
}
