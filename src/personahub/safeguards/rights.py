def licence_in_html(html):
    return None


def licence_name(v):
    return v


def opt_out(h, html):
    return None
