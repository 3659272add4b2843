//! The guard against a table of URLs, and against what a parser of browsers' makes of any text.

use super::RefusedUrl::{AddressForm, Characters, ClosedAddress, ClosedName, Host, Port, Scheme, TooLong, Userinfo};
use super::*;
use proptest::prelude::*;

fn judged(text: &str) -> Result<ReceiverUrl, RefusedUrl> {
    ReceiverUrl::parse(text, &OpenedReceivers::default())
}

const TAKEN: [&str; 22] = [
    "https://hooks.example.com",
    "https://hooks.example.com/",
    "https://hooks.example.com/in?token=a@b&next=https://10.0.0.1/",
    "https://hooks.example.com?x=1",
    "https://hooks.example.com:443/in",
    "https://hooks.example.com:8443/in",
    "https://example.com/a//b",
    "https://xn--bcher-kva.example.com/",
    "https://a-b.c-d.example.org/%2e%2e/x",
    "https://1and1.com/",
    "https://0x.example.com/",
    "https://127.0.0.1.example.com/",
    "https://locals.com/",
    "https://internals.dev/",
    "https://mylocalhost.com/",
    "https://8.8.8.8/in",
    "https://1.1.1.1:8443/in",
    "https://100.63.255.255/",
    "https://172.32.0.1/",
    "https://223.255.255.255/",
    "https://[2606:4700:4700::1111]/in",
    "https://[2a00:1450:4001:81b::200e]:8443/",
];

const REFUSED: &[(&str, RefusedUrl)] = &[
    // --- no URL, or another scheme ---
    ("", Scheme),
    ("hooks.example.com", Scheme),
    ("//hooks.example.com/", Scheme),
    ("https:hooks.example.com", Scheme),
    ("https:/hooks.example.com", Scheme),
    ("http://hooks.example.com/", Scheme),
    ("HTTP://hooks.example.com/", Scheme),
    ("ftp://hooks.example.com/", Scheme),
    ("file:///etc/passwd", Scheme),
    ("gopher://hooks.example.com/", Scheme),
    ("javascript://hooks.example.com/", Scheme),
    ("redis://127.0.0.1:6379", Scheme),
    ("httpss://hooks.example.com/", Scheme),
    (" https://hooks.example.com/", Characters),
    // --- what parsers read differently ---
    ("https://hooks.example.com/ ", Characters),
    ("https://hooks.example.com/a b", Characters),
    ("https://hooks.example.com/\r\nHost: x", Characters),
    ("https://hooks.example.com/\t", Characters),
    ("https://hooks.example.com/\u{0}", Characters),
    ("https:\\\\hooks.example.com\\", Characters),
    ("https://hooks.example.com\\@127.0.0.1/", Characters),
    ("https://127.0.0.1\\.hooks.example.com/", Characters),
    ("https://hooks.example.com#@127.0.0.1/", Characters),
    ("https://hooks.example.com/#x", Characters),
    ("https://hooks.example.com/<x>", Characters),
    ("https://hooks.example.com//127.0.0.1/", Characters),
    ("https://bücher.example.com/", Characters),
    ("https://１２７.0.0.1/", Characters),
    ("https://１６９．２５４．１６９．２５４/", Characters),
    ("https://127。0。0。1/", Characters),
    ("https://ⓛocalhost/", Characters),
    ("https://①②⑦.⓪.⓪.①/", Characters),
    ("https://local\u{ad}host/", Characters),
    ("https://hooks\u{200b}.example.com/", Characters),
    // --- a user in front ---
    ("https://user@hooks.example.com/", Userinfo),
    ("https://user:secret@hooks.example.com/", Userinfo),
    ("https://hooks.example.com@127.0.0.1/", Userinfo),
    ("https://hooks.example.com:443@127.0.0.1/", Userinfo),
    ("https://@127.0.0.1/", Userinfo),
    ("https://:@hooks.example.com/", Userinfo),
    ("https://hooks.example.com%40127.0.0.1@10.0.0.1/", Userinfo),
    // --- ports ---
    ("https://hooks.example.com:80/", Port),
    ("https://hooks.example.com:22/", Port),
    ("https://hooks.example.com:25/", Port),
    ("https://hooks.example.com:6379/", Port),
    ("https://hooks.example.com:8080/", Port),
    ("https://hooks.example.com:9200/", Port),
    ("https://hooks.example.com:65536/", Port),
    ("https://hooks.example.com:0/", Port),
    ("https://hooks.example.com:00443/", Port),
    ("https://hooks.example.com:+443/", Port),
    ("https://hooks.example.com:-443/", Port),
    ("https://hooks.example.com:/", Port),
    ("https://hooks.example.com:443:443/", Port),
    ("https://hooks.example.com:https/", Port),
    ("https://[2606:4700:4700::1111]:6379/", Port),
    // --- no host ---
    ("https://", Host),
    ("https:///", Host),
    ("https:///hooks.example.com", Host),
    ("https://?x", Host),
    ("https://:443/", Host),
    ("https://.example.com/", Host),
    ("https://hooks..example.com/", Host),
    ("https://hooks.example.com./", Host),
    ("https://127.0.0.1./", Host),
    ("https://localhost./", Host),
    ("https://-hooks.example.com/", Host),
    ("https://hooks-.example.com/", Host),
    ("https://hooks_x.example.com/", Host),
    ("https://*.example.com/", Host),
    ("https://hooks.example.com,127.0.0.1/", Host),
    ("https://hooks.example.com;127.0.0.1/", Host),
    ("https://hooks.example.com&127.0.0.1/", Host),
    ("https://%31%32%37.0.0.1/", Host),
    ("https://127%2e0%2e0%2e1/", Host),
    ("https://lo%63alhost/", Host),
    ("https://hooks.example.com%00.127.0.0.1/", Host),
    ("https://$(hostname).example.com/", Host),
    ("https://[::1/", Host),
    ("https://[::1]x/", Host),
    ("https://]/", Host),
    ("https://x[::1]/", Host),
    // --- names that lead inside ---
    ("https://localhost/", ClosedName),
    ("https://LOCALHOST/", ClosedName),
    ("https://LocalHost:8443/", ClosedName),
    ("https://foo.localhost/", ClosedName),
    ("https://localhost.localdomain/", ClosedName),
    ("https://redis/", ClosedName),
    ("https://intranet/", ClosedName),
    ("https://kubernetes/", ClosedName),
    ("https://kubernetes.default.svc/", ClosedName),
    ("https://kubernetes.default.svc.cluster.local/", ClosedName),
    ("https://redis.spindrift.svc.cluster.local/", ClosedName),
    ("https://users.spin.internal/", ClosedName),
    ("https://users.Spin.Internal/", ClosedName),
    ("https://self.alt/", ClosedName),
    ("https://metadata/", ClosedName),
    ("https://metadata.google.internal/computeMetadata/v1/", ClosedName),
    ("https://instance-data.ec2.internal/", ClosedName),
    ("https://host.docker.internal/", ClosedName),
    ("https://gateway.docker.internal/", ClosedName),
    ("https://printer.local/", ClosedName),
    ("https://nas.lan/", ClosedName),
    ("https://router.home/", ClosedName),
    ("https://router.home.arpa/", ClosedName),
    ("https://1.0.0.127.in-addr.arpa/", ClosedName),
    ("https://mail.corp/", ClosedName),
    ("https://x.private/", ClosedName),
    ("https://x.test/", ClosedName),
    ("https://x.invalid/", ClosedName),
    ("https://x.example/", ClosedName),
    ("https://abcdefghij.onion/", ClosedName),
    ("https://redis.service.consul/", ClosedName),
    ("https://127.0.0.1.nip.io/", ClosedName),
    ("https://169-254-169-254.sslip.io/", ClosedName),
    ("https://10.0.0.1.xip.io/", ClosedName),
    ("https://localtest.me/", ClosedName),
    ("https://app.lvh.me/", ClosedName),
    ("https://x.vcap.me/", ClosedName),
    // --- addresses in other spellings than the plain one ---
    ("https://127.1/", AddressForm),
    ("https://127.0.1/", AddressForm),
    ("https://0/", AddressForm),
    ("https://1/", AddressForm),
    ("https://2130706433/", AddressForm),
    ("https://017700000001/", AddressForm),
    ("https://0x7f000001/", AddressForm),
    ("https://0X7F000001/", AddressForm),
    ("https://0x7f.1/", AddressForm),
    ("https://0x7f.0.0.1/", AddressForm),
    ("https://0177.0.0.1/", AddressForm),
    ("https://0177.0.0.01/", AddressForm),
    ("https://127.0.0.0x1/", AddressForm),
    ("https://127.0.0.01/", AddressForm),
    ("https://00127.0.0.1/", AddressForm),
    ("https://127.0.0.256/", AddressForm),
    ("https://127.0.0.1.1/", AddressForm),
    ("https://0x/", AddressForm),
    ("https://foo.0x/", AddressForm),
    ("https://foo.1/", AddressForm),
    ("https://2852039166/", AddressForm),
    ("https://0xa9fea9fe/", AddressForm),
    ("https://169.254.43518/", AddressForm),
    ("https://8.8.2056/", AddressForm),
    ("https://[::ffff:127.1]/", AddressForm),
    ("https://[127.0.0.1]/", AddressForm),
    ("https://[]/", AddressForm),
    ("https://[::1%25lo]/", AddressForm),
    ("https://[fe80::1%eth0]/", AddressForm),
    ("https://[v1.x]/", AddressForm),
    ("https://[1::2::3]/", AddressForm),
    // --- addresses that are not public ---
    ("https://0.0.0.0/", ClosedAddress),
    ("https://0.1.2.3/", ClosedAddress),
    ("https://127.0.0.1/", ClosedAddress),
    ("https://127.0.0.1:8443/", ClosedAddress),
    ("https://127.255.255.254/", ClosedAddress),
    ("https://10.0.0.1/", ClosedAddress),
    ("https://10.255.255.255/", ClosedAddress),
    ("https://172.16.0.1/", ClosedAddress),
    ("https://172.31.255.255/", ClosedAddress),
    ("https://192.168.0.1/", ClosedAddress),
    ("https://169.254.169.254/latest/meta-data/", ClosedAddress),
    ("https://169.254.170.2/", ClosedAddress),
    ("https://100.64.0.1/", ClosedAddress),
    ("https://100.100.100.200/", ClosedAddress),
    ("https://192.0.0.192/", ClosedAddress),
    ("https://192.0.2.1/", ClosedAddress),
    ("https://192.88.99.1/", ClosedAddress),
    ("https://198.18.0.1/", ClosedAddress),
    ("https://198.51.100.1/", ClosedAddress),
    ("https://203.0.113.7/", ClosedAddress),
    ("https://224.0.0.1/", ClosedAddress),
    ("https://240.0.0.1/", ClosedAddress),
    ("https://255.255.255.255/", ClosedAddress),
    ("https://[::]/", ClosedAddress),
    ("https://[::1]/", ClosedAddress),
    ("https://[0:0:0:0:0:0:0:1]/", ClosedAddress),
    ("https://[::127.0.0.1]/", ClosedAddress),
    ("https://[::ffff:127.0.0.1]/", ClosedAddress),
    ("https://[::ffff:7f00:1]/", ClosedAddress),
    ("https://[::FFFF:169.254.169.254]/", ClosedAddress),
    ("https://[::ffff:8.8.8.8]/", ClosedAddress),
    ("https://[64:ff9b::7f00:1]/", ClosedAddress),
    ("https://[64:ff9b::169.254.169.254]/", ClosedAddress),
    ("https://[64:ff9b:1::1]/", ClosedAddress),
    ("https://[100::1]/", ClosedAddress),
    ("https://[2001::1]/", ClosedAddress),
    ("https://[2001:db8::1]/", ClosedAddress),
    ("https://[2002:7f00:1::]/", ClosedAddress),
    ("https://[3fff::1]/", ClosedAddress),
    ("https://[fc00::1]/", ClosedAddress),
    ("https://[fd00:ec2::254]/", ClosedAddress),
    ("https://[fe80::1]/", ClosedAddress),
    ("https://[fec0::1]/", ClosedAddress),
    ("https://[ff02::1]/", ClosedAddress),
    ("https://[5f00::1]/", ClosedAddress),
];

#[test]
fn a_table_of_urls_is_judged_one_by_one() {
    const { assert!(TAKEN.len() + REFUSED.len() >= 200) };
    for text in TAKEN {
        assert!(judged(text).is_ok(), "{text}: {:?}", judged(text));
    }
    for (text, why) in REFUSED {
        assert_eq!(judged(text), Err(*why), "{text:?}");
    }
    let long = format!("https://hooks.example.com/{}", "x".repeat(2048));
    assert_eq!(judged(&long), Err(TooLong));
    let name = format!("https://{}.example.com/", "x".repeat(64));
    assert_eq!(judged(&name), Err(Host));
}

#[test]
fn scheme_and_host_are_kept_in_lower_case_and_the_rest_as_it_was() {
    assert_eq!(judged("HTTPS://Hooks.Example.COM:443/A?B").unwrap().as_str(), "https://hooks.example.com:443/A?B");
}

#[test]
fn development_opens_one_pattern_and_nothing_beside() {
    let opened = OpenedReceivers::parse("http://127.0.0.1:*").unwrap();
    let judged = |text: &str| ReceiverUrl::parse(text, &opened);
    assert!(judged("http://127.0.0.1:8080/in").is_ok() && judged("http://127.0.0.1/in").is_ok());
    assert_eq!(judged("http://127.0.0.2:8080/in"), Err(Scheme));
    assert_eq!(judged("http://127.1:8080/in"), Err(Scheme));
    assert_eq!(judged("https://127.0.0.1:8080/in"), Err(Port));
    assert_eq!(judged("http://u@127.0.0.1:8080/in"), Err(Userinfo));
    assert!(judged("https://hooks.example.com/in").is_ok());
    let one = OpenedReceivers::parse("http://127.0.0.1:8080").unwrap();
    assert!(ReceiverUrl::parse("http://127.0.0.1:8080/", &one).is_ok());
    assert_eq!(ReceiverUrl::parse("http://127.0.0.1:8081/", &one), Err(Scheme));
    for bad in ["*", "http://*:*", "127.0.0.1:*", "http://127.0.0.1", "http://:*", "http://x/:1", "ftp://x:1"] {
        assert_eq!(OpenedReceivers::parse(bad), Err(InvalidPattern), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_taken_reads_back_as_itself_and_as_a_uri_with_the_same_host(text in "\\PC{0,60}|https://[a-z0-9.:@/\\[\\]%-]{1,30}") {
        if let Ok(url) = judged(&text) {
            prop_assert_eq!(judged(url.as_str()), Ok(url.clone()));
            let uri: ::http::Uri = url.as_str().parse().unwrap();
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            let host = split(url.as_str()).unwrap().host;
            prop_assert_eq!(uri.host(), Some(host.as_str()));
        }
    }

    #[test]
    fn no_address_that_is_not_public_is_taken(a: u8, b: u8, c: u8, d: u8) {
        let address = Ipv4Addr::new(a, b, c, d);
        let taken = judged(&format!("https://{address}/")).is_ok();
        prop_assert_eq!(taken, is_public_v4(address));
        let inside = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
            || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
        prop_assert!(!(inside && taken));
        for disguised in [format!("https://[::ffff:{address}]/"), format!("https://[64:ff9b::{address}]/")] {
            prop_assert!(judged(&disguised).is_err());
        }
        let number = u32::from(address);
        for disguised in [format!("https://{number}/"), format!("https://{number:#x}/"), format!("https://0{number:o}/")] {
            prop_assert!(judged(&disguised).is_err(), "{}", disguised);
        }
    }
}
